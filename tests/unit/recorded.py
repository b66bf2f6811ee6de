"""Values whose stored and queued form `recorded.json` holds, written before there was one codec."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Evidence, Fact, Kind, Mark, Noted, in_order
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity

ACCOUNT = Account("aws-us-gov", "123456789012")
START = datetime(2026, 11, 23, 11, 0, 0, 250_000, tzinfo=UTC)


LONG_AGO = datetime(2010, 1, 1, tzinfo=UTC)


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


def _fact(kind: Kind, minutes: int, **more: Any) -> Fact:
    at = _at(minutes)
    return Fact(id=f"before:{kind}@{at.isoformat()}", kind=kind, at=at, **more)


CAUSE = Cause(
    event_name="RemoveUserFromGroup",
    event_id="5d0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0002",
    event_time=START.replace(microsecond=0),
    actor_arn="arn:aws-us-gov:sts::123456789012:assumed-role/admin/ann",
    actor_type="AssumedRole",
    source_ip="203.0.113.7",
    user_agent="aws-cli/2.31.0 \u2603",
    group_name="nurses",
)
BARE_FINDING = Finding(
    account=ACCOUNT,
    user_id="AIDAQWERTYUIOPASDFGH",
    number=1,
    user_name="bob",
    user_arn="arn:aws-us-gov:iam::123456789012:user/bob",
    user_created_at=START,
    status=Status.OPEN,
    severity=Severity.LOW,
    risk="",
    stray_since=_at(1),
    evidence=Evidence.CREATION,
    opened_at=_at(16),
    detected_by="sweep",
    cause=None,
)
WHOLE_FINDING = replace(
    BARE_FINDING,
    number=7,
    status=Status.RESOLVED,
    severity=Severity.CRITICAL,
    risk="administrator-like: Action * on *",
    evidence=Evidence.EVENT,
    detected_by="event",
    cause=replace(CAUSE, source_ip="", user_agent=""),
    flaps=2,
    resolved_at=_at(90),
    resolution=Resolution(Reason.EXEMPTED, ("a", "b"), "tag straywatch:exempt", _at(9000)),
    reminders=3,
    alerted_at=_at(60),
    escalated_at=_at(70),
    unread=("MFA", "access keys"),
    quiet=True,
    muted=True,
    outbox=(AlertType.OPENED, AlertType.RESOLVED),
    claimed_until=_at(91),
    version=9,
)
BARE_MARK = Mark(account=ACCOUNT, user_name="bob", version=1)
_USER = "AIDAQWERTYUIOPASDFGH"
WHOLE_MARK = Mark(
    account=ACCOUNT,
    user_name="Bob",
    facts=in_order(
        (
            _fact(Kind.CREATED, 1, user_id=_USER, cause=CAUSE),
            _fact(Kind.LEFT, 1, name="nurses", cause=CAUSE),
            _fact(Kind.LEFT, -1),
            _fact(Kind.JOINED, -2),
            _fact(Kind.JOINED, 2, name="nurses"),
            _fact(Kind.SETTLED, 3),
            _fact(Kind.STRAY, 4),
            _fact(Kind.DELETED, 5),
        )
    ),
    noted=(Noted("AIDA1", 0, LONG_AGO), Noted("AIDA2", 0, LONG_AGO)),
    flapping_told_at=_at(10),
    version=5,
)
"""The mark of 19 instants, as facts. It was renamed, and its name taken since: that was carried
over, so that all it holds is about whoever took it."""
BARE_CHECK = CheckRequest(ACCOUNT, "bob", START, Origin.SWEEP)
WHOLE_CHECK = CheckRequest(ACCOUNT, "bob", START, Origin.EVENT, _at(15))
DIGEST = DigestRequest(ACCOUNT)
