"""Messages of every type about a user that does not exist, marked as tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Message, Notice, digest_of
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Evidence
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity

USER = "straywatch-test"
_USER_ID = "AIDASTRAYWATCHTEST000"
_NUMBER = 1  # always the same finding: `--type resolved` closes what an earlier test opened
_AGO = timedelta(minutes=15)


def sample(alert_type: AlertType, severity: Severity, account: Account, now: datetime) -> Message:
    """A message of this type, marked as a test in every form it takes."""
    finding = _finding(severity, account, now)
    match alert_type:
        case AlertType.DIGEST:
            findings = [
                replace(finding, user_id=f"{_USER_ID}{n}", user_name=f"{USER}-{n}", quiet=True)
                for n in range(12)
            ]
            digest_id = f"{account.key}:digest:test"
            return digest_of(account, findings, digest_id=digest_id, at=now, test=True)
        case AlertType.FLAPPING | AlertType.HEALTH:
            return Notice(
                type=alert_type,
                severity=severity,
                account=account,
                title="A test of Straywatch's notices",
                detail="Nothing is the matter: somebody wants to see that notices arrive.",
                user_name=USER if alert_type is AlertType.FLAPPING else "",
                is_test=True,
            )
        case AlertType.RESOLVED:
            group = "straywatch-test-group"
            ended = replace(_call(account, now), event_name="AddUserToGroup", group_name=group)
            resolution = Resolution(Reason.JOINED_GROUP, (group,), cause=ended)
            over = replace(finding, status=Status.RESOLVED, resolved_at=now, resolution=resolution)
            return Alert(alert_type, over, test=True)
        case _:
            reminders = int(alert_type is AlertType.REMINDER)
            return Alert(alert_type, replace(finding, reminders=reminders), test=True)


def _finding(severity: Severity, account: Account, now: datetime) -> Finding:
    arn = f"arn:{account.partition}:iam::{account.account_id}"
    since = now - _AGO
    return Finding(
        account=account,
        user_id=_USER_ID,
        number=_NUMBER,
        user_name=USER,
        user_arn=f"{arn}:user/{USER}",
        user_created_at=since,
        status=Status.OPEN,
        severity=severity,
        risk="a test: this user does not exist",
        stray_since=since,
        evidence=Evidence.EVENT,
        opened_at=now,
        detected_by="event",
        cause=_call(account, since),
        alerted_at=now,
    )


def _call(account: Account, at: datetime) -> Cause:
    """A call that nobody made."""
    return Cause(
        event_name="CreateUser",
        event_id="00000000-0000-0000-0000-000000000000",
        event_time=at,
        actor_arn=f"arn:{account.partition}:iam::{account.account_id}:user/nobody",
        actor_type="IAMUser",
        source_ip="192.0.2.1",
        user_agent="straywatch test-alert",
    )
