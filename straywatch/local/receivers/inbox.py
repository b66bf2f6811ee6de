"""An inbox on the alert topic: what machines get (JSON) beside what a reader gets (mail, SMS)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from straywatch.alert_path.delivered import Delivered
from straywatch.alert_path.tap import Tap, Tapped, open_tap
from straywatch.local.emulator.client import ControlClient

if TYPE_CHECKING:
    from straywatch.local.emulator.session import LocalSession

READER = "you@example.com"
TELEPHONE = "+12025550100"  # of the numbers that are kept for stories
_FOR_PEOPLE = {"audience": ["all", "people"]}  # as the template filters their subscriptions
_POLL_SECONDS = 1


@dataclass
class Inbox:
    """Receives every message of one topic through a queue of its own."""

    tap: Tap
    control: ControlClient
    clock: Callable[[], float] = time.time
    alerts: list[Delivered] = field(default_factory=list)

    def poll(self, wait_seconds: int = _POLL_SECONDS) -> Sequence[Delivered]:
        """Return what has arrived, waiting up to `wait_seconds` (0 to 20) for a first message."""
        messages = self.tap.poll(wait_seconds)
        texts = _texts([*self.control.mail(), *self.control.texts()]) if messages else {}
        arrived = [_alert(message, texts, self.clock()) for message in messages]
        self.alerts += arrived
        return arrived

    def wait(self, wanted: Callable[[Delivered], bool], seconds: float) -> Sequence[Delivered]:
        """Poll until a wanted alert is in the inbox; return all wanted ones, or none in time."""
        deadline = self.clock() + seconds
        while not (found := [alert for alert in self.alerts if wanted(alert)]):
            if self.clock() >= deadline:
                return []
            self.poll()
        return found


def open_inbox(session: LocalSession, topic_arn: str) -> Inbox:
    """Subscribe a new queue, a reader's address and telephone to a topic."""
    tap = open_tap(session, topic_arn, f"inbox-{uuid.uuid4().hex[:8]}")
    for protocol, endpoint in (("email", READER), ("sms", TELEPHONE)):
        tap.sns.subscribe(
            TopicArn=topic_arn,
            Protocol=protocol,
            Endpoint=endpoint,
            Attributes={"FilterPolicy": json.dumps(_FOR_PEOPLE)},
        )
    return Inbox(tap, ControlClient(session.endpoint))


def _texts(mails: Sequence[dict[str, str]]) -> dict[tuple[str, str], str]:
    """What each reader got of each message, by message id and address."""
    return {(mail["message_id"], mail["to"]): mail["text"] for mail in mails}


def _alert(message: Tapped, texts: dict[tuple[str, str], str], now: float) -> Delivered:
    return Delivered(
        type=str(message.body.get("type", "")),
        subject=message.subject,
        mail=texts.get((message.message_id, READER), ""),
        sms=texts.get((message.message_id, TELEPHONE), ""),
        body=message.body,
        attributes=message.attributes,
        raw=message.raw,
        received_at=now,
    )
