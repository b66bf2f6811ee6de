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
from chalicelib.domain.alerts import Notice, unreadable_notice
from chalicelib.domain.sweep_requests import SweepRequest, decode_sweep
from chalicelib.flows.ports import Documents
from chalicelib.flows.steps import Step
from chalicelib.flows.sweep import SweepResult
from chalicelib.log import log
from chalicelib.times import parse_time

READING = "reading"
"""How it goes with reading an account, among the small documents of that account."""
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

    `refusal_in` tells whether an account itself refused to be read, and what.
    """

    watched: Container[Account]
    sweep: Callable[[Account], SweepResult]
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
        except Exception as error:
            refusal = self.refusal_in(error)
            self._note_failure(account, refusal or f"{type(error).__name__}: {error}")
            if not refusal:
                raise
            return Step.UNKNOWN
        self._note_success(account)
        log("account_swept", account=account.key, **asdict(result))
        return Step.SWEPT

    def _is_done(self, request: SweepRequest) -> bool:
        """A sweep that began after this one was asked for has answered it: queues grow long."""
        last = self.documents.document(request.account, _SWEPT).get("started_at")
        return bool(last) and parse_time(str(last)) > request.asked_at

    def _note_failure(self, account: Account, error: str) -> None:
        now = self.clock()
        before = self._reading(account)
        after = before.failed(now, error, self.limit)
        log("account_unread", account=account.key, error=error, failures=after.failures)
        self.evidence.record_unread(account, now, after.error)
        if after.told and not before.told:  # told first: killed in between, it is told twice
            self.tell(unreadable_notice(account, after.failures, after.error))
        self.documents.write_document(account, READING, encode(after))

    def _note_success(self, account: Account) -> None:
        if self._reading(account).failures:
            self.documents.write_document(account, READING, encode(Reading(self.clock())))

    def _reading(self, account: Account) -> Reading:
        stored = self.documents.document(account, READING)
        return decode(Reading, stored) if stored else Reading(self.clock())
