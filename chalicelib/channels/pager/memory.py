"""What the pager remembers: which incidents it has opened, and how each alarm stands by its times.

A resolve has to follow what was triggered, also if its severity pages no more; and of an alarm's
messages, which overtake one another, the one that tells of the latest change holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from chalicelib.channels.received import Alarm
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Write

KEPT = timedelta(days=400)
"""How long an incident is remembered: longer than one stays open."""
_ATTEMPTS = 6
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class Documents(Protocol):
    """Small documents that many workers change at once."""

    def document(self, account: Account, name: str) -> Mapping[str, Any]:
        """A small document, empty where there is none."""

    def write_document(self, account: Account, name: str, content: Mapping[str, Any]) -> None:
        """Store a small document over whatever stood there."""

    def swap_document(self, account: Account, name: str, content: Mapping[str, Any]) -> Write:
        """Replace the version that was read (0: none)."""


class AlarmContentionError(Exception):
    """Others kept noting the same alarm; Lambda tries again later."""


@dataclass(frozen=True, slots=True)
class _Noted:
    """An alarm's latest change, as far as messages have told."""

    alarm: Alarm
    version: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """The pager's notes, in the state table."""

    documents: Documents
    clock: Callable[[], datetime]

    def note(self, account: Account, key: str) -> None:
        """Remember that an incident is about to be opened."""
        expires_at = int((self.clock() + KEPT).timestamp())
        self.documents.write_document(account, _incident(key), {"expires_at": expires_at})

    def was_opened(self, account: Account, key: str) -> bool:
        """Whether an incident of this key has been opened, or nearly."""
        return bool(self.documents.document(account, _incident(key)))

    def hear(self, alarm: Alarm) -> Alarm:
        """Note an alarm's change; return the latest one known, which is this or a later one.

        A message that does not tell its time is as late as it comes.
        """
        heard = replace(alarm, changed_at=alarm.changed_at or self.clock())
        for _ in range(_ATTEMPTS):
            noted = self._noted(heard)
            if noted is not None and _order(noted.alarm) >= _order(heard):
                return noted.alarm
            content = encode(_Noted(heard, noted.version if noted else 0), whole=True)
            if self.documents.swap_document(alarm.account, _name(alarm), content) is Write.DONE:
                return heard
        raise AlarmContentionError(f"the alarm {alarm.name!r} kept changing")

    def latest(self, alarm: Alarm) -> Alarm:
        """The latest change known of an alarm that was heard of."""
        noted = self._noted(alarm)
        return noted.alarm if noted else alarm

    def _noted(self, alarm: Alarm) -> _Noted | None:
        stored = self.documents.document(alarm.account, _name(alarm))
        return decode(_Noted, stored) if stored else None


def _order(alarm: Alarm) -> tuple[datetime, bool]:
    """Later changes after earlier ones; of two at one instant the end."""
    return alarm.changed_at or _NEVER, alarm.state == "OK"


def _name(alarm: Alarm) -> str:
    return f"alarm#{alarm.arn}"


def _incident(key: str) -> str:
    return f"page#{key}"
