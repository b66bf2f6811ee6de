"""Evaluates one user as the monitor would, from live IAM, and says why."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.adapters.tables import FindingsTable, StateTable
from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.episodes import (
    about,
    is_too_fresh,
    joined_meanwhile,
    over_since,
    settled_by,
)
from chalicelib.domain.evaluation import Evaluated, Evaluation, evaluate
from chalicelib.domain.exemptions import Exemptions, NotExempt
from chalicelib.domain.findings import Finding, NoFinding, Status, resolve
from chalicelib.domain.marks import IAM_LAG, Mark, StraySince, stray_since
from chalicelib.domain.risk import Risk, assess
from chalicelib.flows.ports import LiveIam
from chalicelib.times import utc_now

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class Memory(Protocol):
    """What a deployment knows of users."""

    def mark(self, account: Account, user_name: str) -> Mark:
        """What events have told of the name."""

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What a deployment's own tables hold."""

    findings: FindingsTable
    state: StateTable

    def mark(self, account: Account, user_name: str) -> Mark:
        """What events have told of the name."""
        return self.state.mark(account, user_name)

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""
        return self.findings.latest(account, user_id)


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
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep

    def check(self, user_name: str) -> Verdict:
        """Look at a user and say what it is, and why.

        A look that contradicts an event only seconds old is made again, once IAM has had its time.
        """
        mark = self.memory.mark(self.account, user_name)
        now, look = self.clock(), self.iam.look(user_name)
        if is_too_fresh(look, mark, now):
            self.sleep(IAM_LAG.total_seconds())
            now, look = self.clock(), self.iam.look(user_name)
        user = self._bearer(user_name, look)
        if isinstance(user, NoSuchUser) or isinstance(look, NoSuchUser):
            return Verdict(user_name, evaluate(user_name, NoSuchUser(), NotExempt()))
        evaluated = evaluate(user.name, look.groups, self.exemptions.match(user, now))
        if evaluated.evaluation is Evaluation.NON_COMPLIANT:
            return self._stray(user, evaluated, mark, now)
        return Verdict(user.name, evaluated, user)

    def _bearer(self, user_name: str, look: Look) -> User | NoSuchUser:
        match look:
            case InNoGroup(user):
                return user
            case InGroups():
                return self.iam.user(user_name)
            case NoSuchUser():
                return look

    def _stray(self, user: User, evaluated: Evaluated, mark: Mark, now: datetime) -> Verdict:
        """Since when, and under which open finding: as the monitor's own check would have it."""
        last = self.memory.latest(self.account, user.user_id)
        found = Verdict(user.name, evaluated, user, risk=self.assess(user))
        if isinstance(last, Finding) and last.status is Status.OPEN:
            mark = about(mark, user, last, now)
            ended_at = over_since(last, mark, now)
            if ended_at is None:
                since = StraySince(last.stray_since, last.evidence)
                return replace(found, since=since, open_finding=last.finding_id)
            last = resolve(last, joined_meanwhile(mark), at=ended_at, now=now)
        since = stray_since(
            mark,
            now=now,
            created_at=user.created_at,
            user_id=user.user_id,
            settled_before=settled_by(last),
            exemption_ended=evaluated.exemption_ended,
        )
        return replace(found, since=since)


def risk_reader(client: IAMClient, clock: Callable[[], datetime]) -> Callable[[User], Risk]:
    """Judge a stray as the monitor does; what cannot be read is named in the risk."""
    from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only strays need it

    def read(user: User) -> Risk:
        # the monitor logs to standard output, where the answer goes here; the risk itself tells
        # what could not be read
        with redirect_stdout(io.StringIO()):
            return assess(CredentialReader(client).facts(user), clock())

    return read
