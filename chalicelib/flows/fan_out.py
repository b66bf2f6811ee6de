"""A sweep of many accounts: a message for each, and a worker that sweeps one and says how it went.

An account that cannot be read is unknown: that is a result, is counted, and after some times told.
It is tried again with the next sweep and not before; nothing of it is taken for compliant.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Notice, silent_notice, unreadable_notice
from chalicelib.domain.sweep_requests import SweepRequest, decode_sweep
from chalicelib.flows.ports import Documents
from chalicelib.flows.steps import Step
from chalicelib.flows.sweep import SweepResult
from chalicelib.log import log
from chalicelib.times import parse_time

READING = "reading"
"""How it goes with reading an account, among the small documents of that account."""
FORWARDING = "forwarding"
"""As above, of whether an account forwards its events."""
_SWEPT = "sweep"


@dataclass(frozen=True, slots=True)
class Reading:
    """How it goes with reading an account: `failures` in a row, since when, and what was said."""

    tried_at: datetime
    failures: int = 0
    failing_since: datetime | None = None
    error: str = ""
    told: bool = False

    def failed(self, now: datetime, error: str, limit: int) -> Reading:
        """After one more failure; `told` from the one on that reaches the limit (0: never)."""
        failures = self.failures + 1
        since = self.failing_since or now
        told = self.told or 0 < limit <= failures
        return Reading(now, failures, since, error[:500], told)


class Evidence(Protocol):
    """Where a report finds how much of the time an account was unknown."""

    def record_unread(self, account: Account, at: datetime, error: str) -> None:
        """Keep one small item for each time that an account could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOut:
    """Asks for one sweep of each account."""

    accounts: Callable[[], Iterable[Account]]
    send: Callable[[Iterable[SweepRequest]], int]
    clock: Callable[[], datetime]

    def run(self) -> dict[str, int]:
        """Send one message for each account; return how many. Raises what the queue raises."""
        now = self.clock()
        asked = self.send(SweepRequest(account, now) for account in self.accounts())
        log("sweeps_asked", accounts=asked)
        return {"asked": asked}


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOne:
    """The worker: sweeps the account that a message names.

    `forwards` tells why an account's events no longer come, or nothing. `refusal_in` tells whether
    an account itself refused to be read, and what.
    """

    watched: Container[Account]
    sweep: Callable[[Account], SweepResult]
    forwards: Callable[[Account], str]
    refusal_in: Callable[[BaseException], str]
    documents: Documents
    evidence: Evidence
    tell: Callable[[Notice], None]
    limit: int
    clock: Callable[[], datetime]

    def __call__(self, body: str) -> Step:
        """Take one message. Raises MalformedCheckError, and whatever a sweep raises.

        That an account refuses is a result; whatever else goes wrong is a failure, too, and raised
        once it is noted, so that the message comes again.
        """
        request = decode_sweep(body)
        account = request.account
        if account not in self.watched:
            log("sweep_ignored", reason=f"{account.key} is not watched")
            return Step.IGNORED
        if self._is_done(request):
            log("sweep_merged", account=account.key)
            return Step.MERGED
        try:
            result = self.sweep(account)
            silence = self.forwards(account)
        except Exception as error:
            refusal = self.refusal_in(error)
            said = refusal or f"{type(error).__name__}: {error}"
            self._note(account, READING, said, self.limit)
            if not refusal:
                raise
            return Step.UNKNOWN
        self._note(account, READING, "", self.limit)
        self._note(account, FORWARDING, silence, min(1, self.limit))  # it is certain at once
        log("account_swept", account=account.key, **asdict(result))
        return Step.SWEPT

    def _is_done(self, request: SweepRequest) -> bool:
        """A sweep that began after this one was asked for has answered it: queues grow long."""
        last = self.documents.document(request.account, _SWEPT).get("started_at")
        return bool(last) and parse_time(str(last)) > request.asked_at

    def _note(self, account: Account, name: str, error: str, limit: int) -> None:
        """Count what is wrong with an account, and tell it once; nothing ends the count."""
        now = self.clock()
        stored = self.documents.document(account, name)
        before = decode(Reading, stored) if stored else Reading(now)
        if not error and not before.failures:
            return
        after = before.failed(now, error, limit) if error else Reading(now)
        if error:
            log("account_faulty", account=account.key, of=name, error=error)
        if error and name == READING:
            self.evidence.record_unread(account, now, after.error)
        if after.told and not before.told:  # told first: killed in between, it is told twice
            self.tell(
                unreadable_notice(account, after.failures, after.error)
                if name == READING
                else silent_notice(account, after.error)
            )
        self.documents.write_document(account, name, encode(after))
