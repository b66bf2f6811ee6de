"""Messages of every kind, made up: what snapshots, schema and channel tests go through."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import (
    Alert,
    Message,
    configuration_notice,
    digest_of,
    flapping_notice,
    missed_events_notice,
)
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Evidence, Mark
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity

NOW = datetime(2026, 11, 23, 3, 15, tzinfo=UTC)
ACCOUNT = Account("aws", "123456789012")
CREATED = Cause(
    event_name="CreateUser",
    event_id="5f1c6a52-0b5e-4c1a-9d0c-2f4bb0a1e0d7",
    event_time=NOW - timedelta(minutes=15),
    actor_arn="arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/jane@example.com",
    actor_type="AssumedRole",
    source_ip="203.0.113.7",
    user_agent="aws-cli/2.15.0 md/awscrt#0.19.19 ua/2.0 os/linux#6.1 lang/python#3.11.6",
    group_name="",
)
REMOVED = replace(
    CREATED,
    event_name="RemoveUserFromGroup",
    actor_arn="arn:aws:iam::123456789012:user/ops/jane",
    actor_type="IAMUser",
    group_name="admins",
)
FIXED = replace(
    CREATED,
    event_name="AddUserToGroup",
    event_id="9a1c6a52-0b5e-4c1a-9d0c-2f4bb0a1e0d8",
    event_time=NOW + timedelta(minutes=24),
    actor_arn="arn:aws:iam::123456789012:user/ops/maria",
    actor_type="IAMUser",
    source_ip="203.0.113.9",
    user_agent="Boto3/1.28.57 md/Botocore#1.31.57 ua/2.0 os/linux#5.15",
    group_name="admins",
)
FINDING = Finding(
    account=ACCOUNT,
    user_id="AIDAQ3EGSEXAMPLEFRANK",
    number=1,
    user_name="frank",
    user_arn="arn:aws:iam::123456789012:user/frank",
    user_created_at=NOW - timedelta(minutes=15),
    status=Status.OPEN,
    severity=Severity.HIGH,
    risk="some permissions; active access key 412 days old, last used 3 days ago",
    stray_since=NOW - timedelta(minutes=15),
    evidence=Evidence.EVENT,
    opened_at=NOW,
    detected_by="event",
    cause=CREATED,
    alerted_at=NOW,
    outbox=(AlertType.OPENED,),
)
CHINESE = replace(
    FINDING,
    account=Account("aws-cn", "210987654321"),
    user_arn="arn:aws-cn:iam::210987654321:user/frank",
)
LONG_NAME = replace(
    FINDING,
    user_name="svc.integration+billing=export,eu-central-1@" + "x" * 20,
    severity=Severity.CRITICAL,
    risk="administrator-like: every or nearly every action; console password without MFA; "
    "active access key 3 days old, no use recorded",
    flaps=4,
)


def ended(reason: Reason, **details: object) -> Alert:
    """The alert that closes the finding for this reason."""
    over = replace(
        FINDING,
        status=Status.RESOLVED,
        resolved_at=NOW + timedelta(minutes=25),
        resolution=Resolution(reason, **details),  # type: ignore[arg-type] # each test names its own
    )
    return Alert(AlertType.RESOLVED, over)


def many(count: int) -> list[Finding]:
    """So many findings of different users, of every severity."""
    return [
        replace(
            FINDING,
            user_id=f"AIDA{number:017d}",
            user_name=f"user-{number:04d}",
            severity=Severity(4 - min(3, number // 3)),
            stray_since=NOW - timedelta(minutes=20) + timedelta(seconds=number % 60),
            quiet=True,
            muted=True,
        )
        for number in range(count)
    ]


def since(evidence: Evidence, **changes: object) -> Alert:
    """The opening alert of a finding that is known by other evidence than an event."""
    finding = replace(FINDING, evidence=evidence, cause=None, detected_by="sweep")
    return Alert(AlertType.OPENED, replace(finding, **changes))  # type: ignore[arg-type] # likewise


_DIGEST_ID = "aws:123456789012:digest:2026-11-23T03:15:00Z"
_ESCALATION_ID = "aws:123456789012:escalated:2026-11-23T03:15:00Z"
_REMINDER_ID = "aws:123456789012:reminder:2026-11-23T03:15:00Z"
EXAMPLES: dict[str, Message] = {
    "opened": Alert(AlertType.OPENED, FINDING),
    "opened-left-group": Alert(AlertType.OPENED, replace(FINDING, cause=REMOVED)),
    "opened-by-sweep": since(Evidence.SIGHTING),
    "opened-after-exemption": since(Evidence.EXEMPTION_ENDED),
    "opened-old-user": since(Evidence.CREATION, stray_since=NOW - timedelta(days=731)),
    "opened-unread-risk": Alert(
        AlertType.OPENED,
        replace(
            FINDING,
            risk="permissions not all readable; access keys not readable",
            unread=("inline policies", "attached policies", "access keys", "MFA"),
        ),
    ),
    "opened-by-service": Alert(
        AlertType.OPENED,
        replace(
            FINDING,
            user_name="BedrockAPIKey-1x2y",
            severity=Severity.MEDIUM,
            cause=replace(CREATED, source_ip="bedrock.amazonaws.com", user_agent=""),
        ),
    ),
    "opened-long-name": Alert(AlertType.OPENED, LONG_NAME),
    "opened-china": Alert(AlertType.OPENED, CHINESE),
    "opened-muted": Alert(AlertType.OPENED, replace(FINDING, quiet=True, muted=True)),
    "reminder": Alert(
        AlertType.REMINDER, replace(FINDING, reminders=2, alerted_at=NOW + timedelta(days=2))
    ),
    "escalated": Alert(
        AlertType.ESCALATED,
        replace(FINDING, severity=Severity.CRITICAL, alerted_at=NOW + timedelta(days=3)),
    ),
    "resolved-joined": ended(Reason.JOINED_GROUP, groups=("admins",)),
    "resolved-joined-by": ended(Reason.JOINED_GROUP, groups=("admins",), cause=FIXED),
    "resolved-joined-many": ended(Reason.JOINED_GROUP, groups=("admins", "nurses", "x" * 128)),
    "resolved-joined-unnamed": ended(Reason.JOINED_GROUP),
    "resolved-deleted": ended(Reason.DELETED),
    "resolved-exempted": ended(
        Reason.EXEMPTED,
        exempted_by="tag straywatch:exempt",
        exempted_until=NOW + timedelta(days=30),
    ),
    "resolved-exempted-for-good": ended(Reason.EXEMPTED, exempted_by="path /service/"),
    "digest": digest_of(
        ACCOUNT,
        [replace(f, severity=min(f.severity, Severity.MEDIUM)) for f in many(1990)],
        digest_id=_DIGEST_ID,
        at=NOW,
        loud=[LONG_NAME],
        announced=2001,
        told_singly=11,
        new=6,
        strays=2030,
    ),
    "digest-escalated": digest_of(
        ACCOUNT, many(16), digest_id=_ESCALATION_ID, at=NOW, of=AlertType.ESCALATED, new=16
    ),
    "digest-reminder": digest_of(
        ACCOUNT, many(12), digest_id=_REMINDER_ID, at=NOW, of=AlertType.REMINDER
    ),
    "digest-settled": digest_of(
        ACCOUNT,
        [],
        digest_id=_DIGEST_ID,
        at=NOW,
        announced=2001,
        told_singly=11,
        at_least=Severity.CRITICAL,
        here_at_least=Severity.MEDIUM,
    ),
    "test": Alert(AlertType.TEST, replace(FINDING, severity=Severity.LOW)),
    "test-opened": Alert(AlertType.OPENED, FINDING, test=True),
    "flapping": flapping_notice(Mark(account=ACCOUNT, user_name="frank"), 12),
    "health-missed-events": missed_events_notice(ACCOUNT, 7),
    "health-configuration": configuration_notice(
        ACCOUNT, ("exemptions[3].until: must be a date (2027-01-31) or a time with its offset",)
    ),
}
"""One message of every kind, and of those that read differently, by the name of its snapshot."""
