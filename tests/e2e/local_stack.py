"""The packaged application on an emulator of its own, with what the tests ask of it."""

from __future__ import annotations

import fcntl
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.findings import Finding
from straywatch.alert_path.delivered import Delivered
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import SOURCES, Package, build
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.process import LocalAws, running_emulator
from straywatch.local.emulator.session import LocalSession
from straywatch.local.receivers.inbox import Inbox, open_inbox

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

STACK = "straywatch"
GRACE_SECONDS = 2
PATIENCE_SECONDS = 120.0
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

    def alert(self, user_name: str, kind: str = "opened") -> Delivered:
        """Wait for the first alert of a kind about a user; AssertionError if none comes.

        The monitor has noted by then that it was sent: news while it is about to do so are looked
        at a minute later, when nobody can have the alert in hand any more.
        """
        found = self.inbox.wait(
            lambda alert: alert.user_name == user_name and alert.type == kind, PATIENCE_SECONDS
        )
        assert found, f"no {kind} alert about {user_name}; came: {_summary(self.inbox.alerts)}"
        finding_id = found[0].body["finding"]["id"]
        self.until(lambda: not self._unsent(finding_id), f"the end of telling of {user_name}")
        return found[0]

    def _unsent(self, finding_id: str) -> bool:
        client = self.session.client("dynamodb")
        findings = FindingsTable(client, self.outputs["FindingsTableName"], timedelta(days=1))
        finding = findings.by_id(finding_id)
        return isinstance(finding, Finding) and bool(finding.outbox)

    def alerts_after_silence(self, user_name: str) -> Sequence[Delivered]:
        """Listen until the grace is well over, then return all alerts about a user."""
        until = time.monotonic() + self.grace_seconds + SILENCE_SECONDS
        while time.monotonic() < until:
            self.inbox.poll()
        return [alert for alert in self.inbox.alerts if alert.user_name == user_name]

    @contextmanager
    def without(self, function: str, action: str) -> Iterator[None]:
        """Take one action from a function's role for a `with` block; AssertionError if not there.

        `function` is its name in app.py. What is denied for it, `control.denials()` tells.
        """
        role = self.role_of(function)
        for policy in self.iam.list_role_policies(RoleName=role)["PolicyNames"]:
            read = self.iam.get_role_policy(RoleName=role, PolicyName=policy)
            document: Any = read["PolicyDocument"]  # decoded by boto3, which types it as text
            statements = document["Statement"]
            reduced = [_less(statement, action) for statement in statements]
            assert reduced != statements, f"{function} may not {action} as it is"
            self._put_policy(role, policy, [each for each in reduced if each["Action"]])
            try:
                yield
            finally:
                self._put_policy(role, policy, statements)

    def granted(self, function: str) -> frozenset[str]:
        """Return the actions that a function's role allows."""
        role = self.role_of(function)
        (policy,) = self.iam.list_role_policies(RoleName=role)["PolicyNames"]
        read = self.iam.get_role_policy(RoleName=role, PolicyName=policy)
        document: Any = read["PolicyDocument"]  # decoded by boto3, which types it as text
        return frozenset(action for each in document["Statement"] for action in each["Action"])

    def used(self, function: str) -> frozenset[str]:
        """Return the actions that a function, or AWS in its name, has asked for."""
        role = f":assumed-role/{self.role_of(function)}/"
        asked = (*self.control.calls(), *self.control.behind())
        return frozenset(each["action"] for each in asked if role in each["caller_arn"])

    def role_of(self, function: str) -> str:
        """Return the name of a function's role."""
        return self.physical_id("".join(word.title() for word in function.split("_")) + "Role")

    def physical_id(self, logical_id: str) -> str:
        """Return the name that a resource of the template has in AWS."""
        cloudformation = self.session.client("cloudformation")
        found = cloudformation.describe_stack_resource(
            StackName=STACK, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def logged(self) -> Sequence[Mapping[str, Any]]:
        """Return every line that the functions have logged."""
        pages = self.session.client("logs").get_paginator("filter_log_events")
        lines = [
            event["message"].strip()
            for page in pages.paginate(logGroupName=self.outputs["LogGroupName"])
            for event in page["events"]
        ]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def settle(self) -> None:
        """Wait until no check is waiting or under way."""
        self.until(lambda: self._checks() == 0, "an empty check queue")

    def _checks(self) -> int:
        read = self.session.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["CheckQueueUrl"], AttributeNames=["All"]
        )["Attributes"]
        kinds = ("", "NotVisible", "Delayed")
        return sum(int(read[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)

    def _put_policy(self, role: str, policy: str, statements: object) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=document)

    def until(self, happened: Callable[[], bool], what: str) -> None:
        """Poll until something is so; AssertionError, naming it, if it never is."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            assert time.monotonic() < deadline, f"in vain awaited: {what}"
            time.sleep(0.05)


def _less(statement: Mapping[str, Any], action: str) -> dict[str, Any]:
    actions = statement["Action"]
    listed = [actions] if isinstance(actions, str) else actions
    return {**statement, "Action": [each for each in listed if each != action]}


def _summary(alerts: Sequence[Delivered]) -> list[tuple[str, str]]:
    return [(alert.type, alert.user_name) for alert in alerts]


@contextmanager
def local_stack(
    package: Package, grace_seconds: int = GRACE_SECONDS, **parameters: str
) -> Iterator[LocalStack]:
    """Deploy a package to a new emulator and open an inbox, for the length of a `with` block."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        outputs = deploy(
            session,
            package,
            STACK,
            {"GracePeriodSeconds": str(grace_seconds), **parameters},
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
