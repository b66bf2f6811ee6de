"""Values whose stored and queued form `recorded.json` holds, written before there was one codec."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin
from chalicelib.domain.events import Cause
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.marks import Evidence, Mark
from chalicelib.domain.severity import Severity

ACCOUNT = Account("aws-us-gov", "123456789012")
START = datetime(2026, 11, 23, 11, 0, 0, 250_000, tzinfo=UTC)


def _at(minutes: int) -> datetime:
    return START + timedelta(minutes=minutes)


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
BARE_MARK = Mark(account=ACCOUNT, user_name="bob")
WHOLE_MARK = Mark(
    account=ACCOUNT,
    user_name="Bob",
    left_at=_at(1),
    cause=CAUSE,
    created_id="AIDAQWERTYUIOPASDFGH",
    joined_at=_at(2),
    joined_group="nurses",
    settled_at=_at(3),
    seen_at=_at(4),
    deleted_at=_at(5),
    renamed_at=_at(6),
    renamed_to="rob",
    taken_at=_at(7),
    asked_since=_at(8),
    asked_until=_at(9),
    open_user_ids=("AIDA1", "AIDA2"),
    lefts=(_at(-1), _at(1)),
    joins=(_at(-2), _at(2)),
    flapping_told_at=_at(10),
    version=4,
)
BARE_CHECK = CheckRequest(ACCOUNT, "bob", START, Origin.SWEEP)
WHOLE_CHECK = CheckRequest(ACCOUNT, "bob", START, Origin.EVENT, CAUSE, _at(15))
DIGEST = DigestRequest(ACCOUNT)
