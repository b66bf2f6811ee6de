"""What an audit found: users, accounts, and what could not be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.exemptions import Exempt
from chalicelib.domain.risk import Risk

STATUS = {
    Evaluation.COMPLIANT: "in groups",
    Evaluation.NON_COMPLIANT: "stray",
    Evaluation.NOT_APPLICABLE: "exempt",
}
"""The evaluations in words for people."""


@dataclass(frozen=True, slots=True)
class AuditedUser:
    """One user with the evaluation; `risk` and `since` are told of strays only.

    `since_source` is `removal` where CloudTrail still knew the last removal from a group, else
    `creation`: then the user may have become a stray later. `note` says why a tag does not exempt.
    """

    account: Account
    user_id: str
    name: str
    arn: str
    path: str
    created_at: datetime
    groups: tuple[str, ...]
    evaluation: Evaluation
    exemption: Exempt | None = None
    note: str = ""
    since: datetime | None = None
    since_source: str = ""
    inline_policies: tuple[str, ...] = ()
    attached_policies: tuple[str, ...] = ()
    boundary_arn: str | None = None
    risk: Risk | None = None

    @property
    def status(self) -> str:
        """The evaluation in words: `stray`, `exempt` or `in groups`."""
        return STATUS[self.evaluation]


@dataclass(frozen=True, slots=True)
class AccountResult:
    """One account as far as it could be read; `missing` says what could not be.

    `source` is the profile or role it was read with; `account` is None if that did not sign in.
    """

    source: str
    account: Account | None
    users: tuple[AuditedUser, ...] = ()
    missing: tuple[str, ...] = ()
    credentials_as_of: datetime | None = None

    @property
    def name(self) -> str:
        """The account's id, or what it was to be read with."""
        return self.account.account_id if self.account else self.source


@dataclass(frozen=True, slots=True)
class Report:
    """A whole audit."""

    generated_at: datetime
    accounts: tuple[AccountResult, ...]

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for could be read."""
        return not any(account.missing for account in self.accounts)

    @property
    def missing(self) -> tuple[str, ...]:
        """What could not be read, with its account."""
        return tuple(f"{each.name}: {gap}" for each in self.accounts for gap in each.missing)

    @property
    def users(self) -> Iterator[AuditedUser]:
        """Every user: strays first, the highest risk first, then by account and name."""
        everyone = [user for account in self.accounts for user in account.users]
        return iter(sorted(everyone, key=_urgency))

    @property
    def strays(self) -> Iterator[AuditedUser]:
        """The strays alone, in the order of `users`."""
        return (user for user in self.users if user.evaluation is Evaluation.NON_COMPLIANT)

    def counts(self) -> dict[str, int]:
        """How many users there are, and of which evaluation."""
        found = Counter(user.evaluation for each in self.accounts for user in each.users)
        return {
            "users": found.total(),
            "strays": found[Evaluation.NON_COMPLIANT],
            "exempt": found[Evaluation.NOT_APPLICABLE],
            "in_groups": found[Evaluation.COMPLIANT],
        }


_ORDER = (Evaluation.NON_COMPLIANT, Evaluation.NOT_APPLICABLE, Evaluation.COMPLIANT)


def _urgency(user: AuditedUser) -> tuple[int, int, str, str, str]:
    severity = user.risk.severity if user.risk else 0
    order = _ORDER.index(user.evaluation)
    return order, -severity, user.account.key, user.name.casefold(), user.user_id
