"""What the pager remembers: which incidents it has opened, and how each alarm stands by its times.

A resolve has to follow what was triggered, also if its severity pages no more; and of an alarm's
messages, which overtake one another, the one that tells of the latest change holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from chalicelib.channels.received import UNTOLD, Alarm
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Write

KEPT = timedelta(days=400)
"""How long an incident is remembered: longer than one stays open."""
_ATTEMPTS = 6


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

        One whose message does not tell its time has changed just now.
        """
        heard = replace(alarm, changed_at=self.clock()) if alarm.changed_at == UNTOLD else alarm
        for _ in range(_ATTEMPTS):
            noted = self._noted(heard)
            if _order(noted.alarm) >= _order(heard):
                return noted.alarm
            content = encode(_Noted(heard, noted.version), whole=True)
            if self.documents.swap_document(alarm.account, _name(alarm), content) is Write.DONE:
                return heard
        raise AlarmContentionError(f"the alarm {alarm.name!r} kept changing")

    def latest(self, alarm: Alarm) -> Alarm:
        """The latest change known of an alarm that was heard of."""
        return self._noted(alarm).alarm

    def _noted(self, alarm: Alarm) -> _Noted:
        """What is noted of an alarm; before it was heard of, that it has never changed."""
        stored = self.documents.document(alarm.account, _name(alarm))
        never = replace(alarm, changed_at=datetime.min.replace(tzinfo=UTC))
        return decode(_Noted, stored) if stored else _Noted(never)


def _order(alarm: Alarm) -> tuple[datetime, bool]:
    """Later changes after earlier ones; of two at one instant the end."""
    return alarm.changed_at, alarm.state == "OK"


def _name(alarm: Alarm) -> str:
    return f"alarm#{alarm.arn}"


def _incident(key: str) -> str:
    return f"page#{key}"
