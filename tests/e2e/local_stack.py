"""The packaged application on an emulator of its own, with what the tests ask of it."""

from __future__ import annotations

import fcntl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from straywatch.deployment import deploy
from straywatch.local.client import ControlClient
from straywatch.local.emulator import LocalAws, LocalSession, running_emulator
from straywatch.local.inbox import Alert, Inbox, open_inbox
from straywatch.packaging import SOURCES, Package, build

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

GRACE_SECONDS = 2
PATIENCE_SECONDS = 30.0
"""How long a test waits for what must come; a passing test never waits that long."""
SILENCE_SECONDS = 2.5
"""How long after the end of a grace a test listens for what must not come."""


@dataclass(frozen=True)
class LocalStack:
    """A deployed monitor, and an inbox on its topic."""

    aws: LocalAws
    session: LocalSession
    outputs: Mapping[str, str]
    inbox: Inbox
    grace_seconds: int

    @property
    def control(self) -> ControlClient:
        """The emulator's control API."""
        return self.aws.control

    @property
    def iam(self) -> IAMClient:
        """IAM as the account's root."""
        client: IAMClient = self.session.client("iam")
        return client

    def name(self, stem: str) -> str:
        """Return a name that no other test uses."""
        return f"{stem}-{uuid.uuid4().hex[:8]}"

    def alert(self, user_name: str, kind: str = "opened") -> Alert:
        """Wait for the first alert of a kind about a user; AssertionError if none comes."""
        found = self.inbox.wait(
            lambda alert: alert.user_name == user_name and alert.type == kind, PATIENCE_SECONDS
        )
        assert found, f"no {kind} alert about {user_name}; came: {_summary(self.inbox.alerts)}"
        return found[0]

    def alerts_after_silence(self, user_name: str) -> Sequence[Alert]:
        """Listen until the grace is well over, then return all alerts about a user."""
        until = time.monotonic() + self.grace_seconds + SILENCE_SECONDS
        while time.monotonic() < until:
            self.inbox.poll()
        return [alert for alert in self.inbox.alerts if alert.user_name == user_name]

    def until(self, happened: Callable[[], bool], what: str) -> None:
        """Poll until something is so; AssertionError, naming it, if it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < deadline, f"in vain awaited: {what}"
            time.sleep(0.05)


def _summary(alerts: Sequence[Alert]) -> list[tuple[str, str]]:
    return [(alert.type, alert.user_name) for alert in alerts]


@contextmanager
def local_stack(package: Package, grace_seconds: int = GRACE_SECONDS) -> Iterator[LocalStack]:
    """Deploy a package to a new emulator and open an inbox, for the length of a `with` block."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        outputs = deploy(
            session,
            package,
            "straywatch",
            {"GracePeriodSeconds": str(grace_seconds)},
            progress=lambda _: None,
            approve=lambda _: True,
            sleep=lambda _: time.sleep(0.1),
        )
        inbox = open_inbox(session, outputs["AlertTopicArn"])
        yield LocalStack(aws, session, outputs, inbox, grace_seconds)


def shared_package(folder: Path) -> Package:
    """Build the package into a folder once, however many test workers ask for it at a time."""
    with (folder / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = Package(folder / "package" / "sam.json", folder / "package" / "deployment.zip")
        return package if package.archive.exists() else build(SOURCES, folder / "package")
