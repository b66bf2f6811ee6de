"""Evaluates one user as the monitor would, from live IAM, and says why."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.exemptions import Exempt, Exemptions
from chalicelib.domain.findings import Finding, NoFinding, Status
from chalicelib.domain.marks import Mark, StraySince, stray_since
from chalicelib.domain.risk import Risk, assess
from chalicelib.flows.lifecycle import Outcome

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class Memory(Protocol):
    """What a deployment knows of users."""

    def mark(self, account: Account, user_name: str) -> Mark:
        """What events have told of the name."""

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""


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
    """An evaluation and its reasons: only those fields are set that the evaluation has."""

    user_name: str
    evaluation: Outcome
    groups: tuple[str, ...] = ()
    user: User | None = None
    exemption: Exempt | None = None
    note: str = ""
    since: StraySince | None = None
    risk: Risk | None = None
    open_finding: str = ""


@dataclass(frozen=True, slots=True)
class Checker:
    """Everything one look needs. Every method raises what AWS raises: no error is a verdict."""

    account: Account
    look: Callable[[str], Look]
    exemptions: Exemptions
    memory: Memory
    assess: Callable[[User], Risk]

    def check(self, user_name: str, now: datetime) -> Verdict:
        """Look at a user and say what it is, and why."""
        match self.look(user_name):
            case InGroups(groups):
                return Verdict(user_name, Outcome.COMPLIANT, groups)
            case NoSuchUser():
                return Verdict(user_name, Outcome.GONE)
            case InNoGroup(user):
                return self._in_no_group(user, now)

    def _in_no_group(self, user: User, now: datetime) -> Verdict:
        exemption = self.exemptions.match(user, now)
        if isinstance(exemption, Exempt):
            return Verdict(user.name, Outcome.NOT_APPLICABLE, user=user, exemption=exemption)
        finding = self.memory.latest(self.account, user.user_id)
        is_open = isinstance(finding, Finding) and finding.status is Status.OPEN
        since = stray_since(
            self.memory.mark(self.account, user.name),
            now=now,
            created_at=user.created_at,
            settled_before=None if isinstance(finding, NoFinding) else finding.resolved_at,
            exemption_ended=exemption.ended,
        )
        if isinstance(finding, Finding) and is_open:
            since = StraySince(finding.stray_since, finding.evidence)
        return Verdict(
            user.name,
            Outcome.NON_COMPLIANT,
            user=user,
            note=exemption.note,
            since=since,
            risk=self.assess(user),
            open_finding=finding.finding_id if isinstance(finding, Finding) and is_open else "",
        )


def risk_reader(client: IAMClient, clock: Callable[[], datetime]) -> Callable[[User], Risk]:
    """Judge a stray as the monitor does; what cannot be read is named in the risk."""
    from chalicelib.adapters.credentials import CredentialReader  # noqa: PLC0415 - only strays need it

    def read(user: User) -> Risk:
        # the monitor logs to standard output, where the answer goes here; the risk itself tells
        # what could not be read
        with redirect_stdout(io.StringIO()):
            return assess(CredentialReader(client).facts(user), clock())

    return read
