"""Read one account: its users, what strays may do and sign in with, and since when they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from chalicelib.adapters import credential_report
from chalicelib.adapters.authorization_details import UnreadableUsersError, user_pages
from chalicelib.adapters.credential_report import CredentialReport, ReportNotReadyError
from chalicelib.adapters.credentials import customers_policies, facts_of, read_documents
from chalicelib.adapters.iam_pages import FAILURES
from chalicelib.domain.account import Account, User
from chalicelib.domain.evaluation import Evaluation, UnknownGroupsError, evaluate
from chalicelib.domain.exemptions import Exemptions
from chalicelib.domain.risk import assess
from straywatch.audit import history
from straywatch.audit.report import AccountResult, AuditedUser
from straywatch.errors import StraywatchError, explain

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient
    from mypy_boto3_iam import IAMClient

T = TypeVar("T")


@dataclass(frozen=True)
class Question:
    """What is asked of every account."""

    now: datetime
    exemptions: Exemptions = field(default_factory=Exemptions)
    risk: bool = True
    history: bool = False
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Door:
    """An account that signed in: where to ask, and the profile or role it was entered by."""

    source: str
    account: Account
    iam: Callable[[], IAMClient]
    cloudtrail: Callable[[], CloudTrailClient]


class _Gaps(list[str]):
    """What could not be read, in lines for people."""

    def attempt(self, what: str, read: Callable[[], T], instead: T) -> T:
        """Return what `read` returns; if it fails, note why and return `instead`."""
        try:
            return read()
        except (*FAILURES, StraywatchError) as error:
            self.append(f"{what}: {explain(error)}")
        return instead


def read_account(
    door: Door, question: Question, on_users: Callable[[int], None] = lambda _: None
) -> AccountResult:
    """Read one account. Failures are noted in the result: never raised, never taken for none."""
    gaps = _Gaps()
    iam = door.iam()
    users, strays = _read_users(iam, door.account, question, gaps, on_users)
    report = None
    if strays and question.risk:
        report, documents = _evidence(iam, strays, question, gaps)
        for stray in strays:
            risk = assess(facts_of(stray, documents, report), question.now)
            users[stray.user_id] = replace(users[stray.user_id], risk=risk)
    if strays and question.history:
        for name, removed in _removals(door, strays, question, gaps).items():
            user_id = next(stray.user_id for stray in strays if stray.name == name)
            users[user_id] = replace(users[user_id], since=removed, since_source="removal")
    as_of = report.generated_at if report else None
    return AccountResult(door.source, door.account, tuple(users.values()), tuple(gaps), as_of)


def _read_users(
    iam: IAMClient,
    account: Account,
    question: Question,
    gaps: _Gaps,
    on_users: Callable[[int], None],
) -> tuple[dict[str, AuditedUser], list[User]]:
    """Judge users page by page, keeping of a page only the judgements and the strays."""
    users: dict[str, AuditedUser] = {}
    strays: list[User] = []
    try:
        for page in user_pages(iam):
            for user in page.users:
                try:
                    audited = _audited(account, user, question)
                except UnknownGroupsError:
                    gaps.append(f"the groups of {user.name}: IAM did not tell them")
                    continue
                if audited.evaluation is Evaluation.NON_COMPLIANT and user.user_id not in users:
                    strays.append(user)
                users[user.user_id] = audited
            on_users(len(page.users))
    except UnreadableUsersError as error:
        unread = f"users after the first {len(users):,}" if users else "all users"
        gaps.append(f"{unread}: {explain(error)}")
    return users, strays


def _audited(account: Account, user: User, question: Question) -> AuditedUser:
    exemption = question.exemptions.match(user, question.now)
    evaluated = evaluate(user.name, user.groups, exemption)
    stray = evaluated.evaluation is Evaluation.NON_COMPLIANT
    return AuditedUser(
        account=account,
        user_id=user.user_id,
        name=user.name,
        arn=user.arn,
        path=user.path,
        created_at=user.created_at,
        groups=evaluated.groups,
        evaluation=evaluated.evaluation,
        exemption=evaluated.exemption,
        note=evaluated.note,
        since=user.created_at if stray else None,
        since_source="creation" if stray else "",
        inline_policies=tuple(user.inline_policies),
        attached_policies=user.attached_policies,
        boundary_arn=user.boundary_arn,
    )


def _evidence(
    iam: IAMClient, strays: list[User], question: Question, gaps: _Gaps
) -> tuple[CredentialReport | None, Mapping[str, object]]:
    """Fetch what risk needs of all strays at once: at most four calls for any number of them."""
    what = "credential report (--no-risk does without)"
    known = len(gaps)
    gaps.attempt(what, lambda: credential_report.order(iam), "")
    wanted = customers_policies(strays)
    documents: Mapping[str, object] = {}
    if wanted:
        documents = gaps.attempt(
            "customer managed policies (--no-risk does without)",
            lambda: read_documents(iam, wanted),
            documents,
        )
    if any(gap.startswith(what) for gap in gaps[known:]):
        return None, documents
    return gaps.attempt(what, lambda: _fetch(iam, question), None), documents


def _fetch(iam: IAMClient, question: Question) -> CredentialReport | None:
    try:
        return credential_report.fetch(iam, question.sleep)
    except ReportNotReadyError as error:
        raise StraywatchError(f"{error}: repeat the command in a minute") from error


def _removals(
    door: Door, strays: list[User], question: Question, gaps: _Gaps
) -> dict[str, datetime]:
    wanted = {stray.name: stray.created_at for stray in strays}
    return gaps.attempt(
        "history of removals",
        lambda: history.last_removals(door.cloudtrail(), wanted, question.sleep),
        {},
    )
