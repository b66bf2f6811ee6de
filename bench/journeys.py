"""What each kind of event costs in API calls, and how soon after its grace an alert arrives.

Measured on the embedded AWS with the packaged application.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from bench.figures import Figure
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import Package
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.process import running_emulator
from straywatch.local.receivers.inbox import Inbox, open_inbox

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

GRACE_SECONDS = 3
_QUIET_SECONDS = 4  # after its grace a journey has made all its calls by then
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Journey:
    """A kind of event: what is prepared without being counted, and what is counted."""

    name: str
    prepare: Callable[[IAMClient], object] | None
    play: Callable[[IAMClient], object]


def _create(name: str) -> Callable[[IAMClient], object]:
    return lambda iam: iam.create_user(UserName=name)


def _join(name: str, group: str) -> Callable[[IAMClient], object]:
    return lambda iam: iam.add_user_to_group(UserName=name, GroupName=group)


def _leave(name: str, group: str) -> Callable[[IAMClient], object]:
    return lambda iam: iam.remove_user_from_group(UserName=name, GroupName=group)


def _delete(name: str) -> Callable[[IAMClient], object]:
    return lambda iam: iam.delete_user(UserName=name)


def _all(*steps: Callable[[IAMClient], object]) -> Callable[[IAMClient], object]:
    return lambda iam: [step(iam) for step in steps]


JOURNEYS = (
    Journey("created and left alone: stray", None, _create("alone")),
    Journey("that stray joins a group: resolved", None, _join("alone", "bench-a")),
    Journey("created, in a group in time", None, _all(_create("tidy"), _join("tidy", "bench-a"))),
    Journey("created and deleted in time", None, _all(_create("brief"), _delete("brief"))),
    Journey(
        "removed from one of two groups",
        _all(_create("two"), _join("two", "bench-a"), _join("two", "bench-b")),
        _leave("two", "bench-a"),
    ),
    Journey("removed from the last group: stray", None, _leave("two", "bench-b")),
)


def measure(package: Package, alerts: int) -> Iterator[Figure]:
    """Play each journey once and count; then time `alerts` alerts."""
    with running_emulator() as aws:
        session = aws.session()
        outputs = deploy(
            session,
            package,
            "straywatch",
            {"GracePeriodSeconds": str(GRACE_SECONDS)},
            progress=lambda _: None,
            approve=lambda _: True,
        )
        inbox = open_inbox(session, outputs["AlertTopicArn"])
        iam: IAMClient = session.client("iam")
        for group in ("bench-a", "bench-b"):
            iam.create_group(GroupName=group)
        for journey in JOURNEYS:
            yield _count(journey, iam, inbox.control)
        yield _delay(iam, inbox, alerts)


def _count(journey: Journey, iam: IAMClient, control: ControlClient) -> Figure:
    if journey.prepare:
        journey.prepare(iam)
        time.sleep(GRACE_SECONDS + _QUIET_SECONDS)
    control.forget_calls()
    journey.play(iam)
    time.sleep(GRACE_SECONDS + _QUIET_SECONDS)
    made: Counter[str] = Counter()
    for call in control.calls():
        if ":assumed-role/straywatch-" in call["caller_arn"]:
            made[call["action"]] += call["count"]
    ours = sum(count for action, count in made.items() if action.startswith("iam:"))
    named = ", ".join(f"{count} {action}" for action, count in sorted(made.items()))
    return Figure(
        f"API calls: {journey.name}", f"{ours} of IAM, {made.total() - ours} others", named
    )


def _delay(iam: IAMClient, inbox: Inbox, alerts: int) -> Figure:
    """Time alerts from the end of the grace, one after the other, once every function is warm."""
    delays = []
    for number in range(alerts):
        name = f"late-{number}"
        iam.create_user(UserName=name)
        found = inbox.wait(lambda each, name=name: each.user_name == name, _PATIENCE_SECONDS)  # type: ignore[misc] # a default binds the loop's name
        since = datetime.fromisoformat(found[0].body["finding"]["stray_since"])
        delays.append(found[0].received_at - since.timestamp() - GRACE_SECONDS)
    return Figure(
        "from the end of the grace to the alert",
        f"median {statistics.median(delays):.2f} s",
        f"{alerts} alerts, {min(delays):.2f} to {max(delays):.2f} s; event times are whole seconds",
    )
