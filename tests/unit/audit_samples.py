"""Reports to render: a plain one, a hostile one, and one that is incomplete."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.exemptions import Exempt
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from straywatch.audit.report import AccountResult, AuditedUser, Report

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = Account("aws", "123456789012")
OTHER = Account("aws-cn", "210987654321")
MEMBER = AuditedUser(
    account=ACCOUNT,
    user_id="AIDAMEMBERMEMBERMEMBE",
    name="mia",
    arn="arn:aws:iam::123456789012:user/mia",
    path="/",
    created_at=NOW - timedelta(days=9),
    groups=("staff", "ops"),
    evaluation=Evaluation.COMPLIANT,
)
STRAY = replace(
    MEMBER,
    user_id="AIDASTRAYSTRAYSTRAYST",
    name="stan",
    arn="arn:aws:iam::123456789012:user/stan",
    groups=(),
    evaluation=Evaluation.NON_COMPLIANT,
    since=NOW - timedelta(days=9),
    since_source="creation",
    inline_policies=("all",),
    attached_policies=("arn:aws:iam::aws:policy/ReadOnlyAccess",),
    boundary_arn="arn:aws:iam::123456789012:policy/edge",
    risk=Risk(Severity.CRITICAL, "administrator-like: iam:PutUserPolicy", ("MFA",)),
)
LESSER = replace(
    STRAY, user_id="AIDALESSERLESSERLESSE", name="aaron", risk=Risk(Severity.LOW, "nothing")
)
EXEMPT = replace(
    MEMBER,
    user_id="AIDAEXEMPTEXEMPTEXEMP",
    name="ci-robot",
    groups=(),
    evaluation=Evaluation.NOT_APPLICABLE,
    exemption=Exempt("name ci-*", "robots", NOW + timedelta(days=30)),
)
HOSTILE_TEXTS = (
    "=HYPERLINK(1)",
    "+1",
    "-1",
    "@SUM(1)",
    "\tx",
    "\rx",
    "</td><script>alert(1)</script>",
    "\x1b[2Jgone\x07",
    "line\nbreak",
    "\u202egnp.exe",
    "[red]markup[/red]",
    "{{ 7 * 7 }}",
    "' onmouseover=1",
    "\u2028\u2029",
)


def hostile(text: str) -> AuditedUser:
    """A stray of whom every text that others choose is `text`."""
    return replace(
        STRAY,
        name=text,
        path=f"/{text}/",
        arn=f"arn:aws:iam::123456789012:user/{text}",
        groups=(),
        inline_policies=(text,),
        boundary_arn=text,
        note=text,
    )


def report(*users: AuditedUser, missing: tuple[str, ...] = ()) -> Report:
    """A report about one account."""
    as_of = NOW - timedelta(hours=3)
    return Report(
        NOW, (AccountResult("default credentials", ACCOUNT, tuple(users), missing, as_of),)
    )


PLAIN = report(MEMBER, LESSER, EXEMPT, STRAY)
HOSTILE = report(
    *(hostile(text) for text in HOSTILE_TEXTS),
    replace(EXEMPT, exemption=Exempt("tag straywatch:exempt", "".join(HOSTILE_TEXTS), None)),
    replace(MEMBER, groups=HOSTILE_TEXTS),
)
BROKEN = Report(
    NOW,
    (
        AccountResult("default credentials", ACCOUNT, (MEMBER,), ("users after the first 1: no",)),
        AccountResult("profile x", None, (), ("all users: no",)),
        AccountResult("role r", OTHER, (), ("all users: access denied",)),
    ),
)
EMPTY = report()
ALL = {"plain": PLAIN, "hostile": HOSTILE, "broken": BROKEN, "empty": EMPTY}
