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
TURN = timedelta(seconds=45)
"""Longer than one event takes to be sent, with its one repeat; shorter than Lambda waits before it
tries again what was killed. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html"""
_TRIES = 20
"""A second apart where another worker sends: longer than that takes."""


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
    """An alarm's latest change, as far as messages have told, and until when somebody sends."""

    alarm: Alarm
    version: int = 0
    is_sent: bool = False
    sender_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """The pager's notes, in the state table."""

    documents: Documents
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]

    def note(self, account: Account, key: str) -> None:
        """Remember that an incident is about to be opened."""
        expires_at = int((self.clock() + KEPT).timestamp())
        self.documents.write_document(account, _incident(key), {"expires_at": expires_at})

    def was_opened(self, account: Account, key: str) -> bool:
        """Whether an incident of this key has been opened, or nearly."""
        return bool(self.documents.document(account, _incident(key)))

    def hear(self, alarm: Alarm) -> Alarm | None:
        """Note an alarm's change and take the turn to send; return the latest change known.

        None if there is nothing to send, or another worker has the turn: it sends what is noted
        before it ends. Whether it got out what it is sending just now is waited for, and raises
        AlarmContentionError after a while: should it have died with that, this comes again. An
        alarm whose message does not tell its time has changed just now.
        """
        heard = alarm
        if alarm.changed_at == UNTOLD:
            heard = replace(alarm, changed_at=self.clock())
        for _ in range(_TRIES):
            noted, now = self._noted(heard), self.clock()
            latest = max(noted.alarm, heard, key=_order)
            is_news = latest != noted.alarm
            is_taken = noted.sender_until is not None and now < noted.sender_until
            if not is_news and is_taken:
                self.sleep(1)
                continue
            if not is_news and noted.is_sent:
                return None
            until = noted.sender_until if is_taken else now + TURN
            if self._write(replace(noted, alarm=latest, is_sent=False, sender_until=until)):
                return None if is_taken else latest
        raise AlarmContentionError(f"the alarm {alarm.name!r} is being told of, or kept changing")

    def end_turn(self, sent: Alarm) -> Alarm | None:
        """Let others send, unless there is news: that is returned, and to be sent next."""
        for _ in range(_TRIES):
            noted = self._noted(sent)
            is_news = _order(noted.alarm) > _order(sent)
            until = self.clock() + TURN if is_news else None
            if self._write(replace(noted, is_sent=not is_news, sender_until=until)):
                return noted.alarm if is_news else None
        raise AlarmContentionError(f"the alarm {sent.name!r} kept changing")

    def give_up_turn(self, alarm: Alarm) -> None:
        """Let others try what could not be sent; if this is not noted, the turn ends by itself."""
        self._write(replace(self._noted(alarm), sender_until=None))

    def _write(self, noted: _Noted) -> bool:
        content, alarm = encode(noted, whole=True), noted.alarm
        written = self.documents.swap_document(alarm.account, _name(alarm), content)
        return written is Write.DONE

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
