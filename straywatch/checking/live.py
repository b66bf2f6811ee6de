"""Evaluates one user as the monitor would, from live IAM, and says why."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, InGroups, User
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.decision import Decision, Row, Rules, Seen, Unread
from chalicelib.domain.evaluation import Evaluated, Evaluation
from chalicelib.domain.exemptions import Exemptions
from chalicelib.domain.facts import Mark, StraySince
from chalicelib.domain.findings import Finding, NoFinding, resolve
from chalicelib.domain.risk import Risk, assess
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.ports import LiveIam, Memory
from chalicelib.times import utc_now

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


IAM_LAG = timedelta(seconds=3)
"""The default of the setting IamLagSeconds."""


@dataclass(frozen=True, slots=True)
class Calm:
    """A deployment's memory, read as if each alert were out: what is unsent is not ours to send."""

    memory: Memory

    def mark(self, account: Account, user_name: str) -> Mark:
        """What events have told of the name."""
        return self.memory.mark(account, user_name)

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""
        found = self.memory.latest(account, user_id)
        return _all_sent(found) if isinstance(found, Finding) else found

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """The mark alone."""
        del finding_ids
        return self.mark(account, user_name), {}


@dataclass(frozen=True, slots=True)
class NoMemory:
    """There is no deployment: nobody has listened."""

    def mark(self, account: Account, user_name: str) -> Mark:
        """Nothing is known."""
        return Mark(account=account, user_name=user_name)

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """There is none."""
        del account, user_id
        return NoFinding()

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """Nothing is known."""
        del finding_ids
        return self.mark(account, user_name), {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An evaluation and its reasons: `since`, `risk` and `open_finding` are told of strays only."""

    user_name: str
    evaluated: Evaluated
    user: User | None = None
    since: StraySince | None = None
    risk: Risk | None = None
    open_finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker:
    """Everything one look needs. Every method raises what AWS raises: no error is a verdict."""

    account: Account
    iam: LiveIam
    exemptions: Exemptions
    memory: Memory
    assess: Callable[[User], Risk]
    iam_lag: timedelta = IAM_LAG
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep

    def check(self, user_name: str) -> Verdict:
        """Look at a user and say what it is, and why.

        A look that contradicts an event only seconds old is made again, once IAM has had its time.
        """
        seen, decision = self._decided(user_name)
        if decision.row is Row.LOOK_LATER:
            self.sleep(self.iam_lag.total_seconds())
            seen, decision = self._decided(user_name)
        if decision.row is Row.LOOK_LATER:  # news keeps coming: what IAM shows is what there is
            seen, decision = self._decided(user_name, lag=timedelta(0))
        return self._verdict(seen, decision)

    def _decided(self, user_name: str, *, lag: timedelta | None = None) -> tuple[Seen, Decision]:
        """The monitor's own decision, by what it would know, had it looked now."""
        inquiry = Inquiry(
            iam=self.iam,
            memory=Calm(self.memory),
            exemption=lambda _, user, at, __: self.exemptions.match(user, at),
            assess=self.assess,
            clock=self.clock,
            rules=Rules(grace=timedelta(0), iam_lag=self.iam_lag if lag is None else lag),
        )
        seen = inquiry.look(self.memory.mark(self.account, user_name), Origin.SETTLED)
        if isinstance(seen.look, InGroups):  # whoever asks is told of its exemption, too
            seen = inquiry.of(seen, self.iam.user(user_name))
        seen, decision = inquiry.conclude(seen)
        if decision.row is Row.OVER_MEANWHILE and isinstance(seen.last, Finding):
            return inquiry.conclude(replace(seen, last=_over(seen.last, decision)))
        return seen, decision

    def _verdict(self, seen: Seen, decision: Decision) -> Verdict:
        evaluated = decision.evaluated or Evaluated(Evaluation.GONE)
        if not isinstance(seen.who, User) or evaluated.evaluation is Evaluation.GONE:
            return Verdict(seen.mark.user_name, evaluated)
        found = Verdict(seen.who.name, evaluated, seen.who)
        if evaluated.evaluation is not Evaluation.NON_COMPLIANT:
            return found
        risk = self.assess(seen.who) if isinstance(seen.risk, Unread) else seen.risk
        found = replace(found, since=decision.since, risk=risk)
        if decision.row is Row.STILL_OPEN and isinstance(seen.last, Finding):
            return replace(found, open_finding=seen.last.finding_id)
        return found


def _over(finding: Finding, decision: Decision) -> Finding:
    """The finding as the monitor would close it."""
    if decision.resolution is None or decision.over_at is None:
        raise TypeError(decision)
    at = decision.over_at
    return _all_sent(resolve(finding, decision.resolution, at=at, now=at))


def _all_sent(finding: Finding) -> Finding:
    return replace(finding, outbox=(), claimed_until=None)


def risk_reader(client: IAMClient, clock: Callable[[], datetime]) -> Callable[[User], Risk]:
    """Judge a stray as the monitor does; what cannot be read is named in the risk."""
    from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only strays need it

    def read(user: User) -> Risk:
        # the monitor logs to standard output, where the answer goes here; the risk itself tells
        # what could not be read
        with redirect_stdout(io.StringIO()):
            return assess(CredentialReader(client).facts(user), clock())

    return read
