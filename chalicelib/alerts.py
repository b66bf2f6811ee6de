"""The alert as machines read it: the versioned JSON body, described by docs/alert.schema.json."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.account import Account
from chalicelib.events import Cause
from chalicelib.findings import AlertType, Finding, Resolution
from chalicelib.marks import Mark
from chalicelib.remedies import console_url, fix_commands
from chalicelib.severity import Severity
from chalicelib.times import iso

SCHEMA = "straywatch.alert/1"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message to people and machines about a finding."""

    type: AlertType
    finding: Finding


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is about no finding: a user who flaps, or the monitor's own health."""

    type: AlertType
    severity: Severity
    account: Account
    title: str
    detail: str
    user_name: str = ""


def flapping_notice(mark: Mark, episodes: int) -> Notice:
    """Say that a user keeps leaving its groups and joining again before the grace is over."""
    return Notice(
        type=AlertType.FLAPPING,
        severity=Severity.MEDIUM,
        account=mark.account,
        title=f"IAM user {mark.user_name} keeps leaving its groups",
        detail=(
            f"The user has been in no group {episodes} times within a day, and joined one each"
            " time before the grace period was over. No finding was opened."
        ),
        user_name=mark.user_name,
    )


def missed_events_notice(account: Account, missed: int) -> Notice:
    """Say that the event path has gone blind: a sweep found what events should have told."""
    return Notice(
        type=AlertType.HEALTH,
        severity=Severity.HIGH,
        account=account,
        title="Straywatch misses events",
        detail=(
            f"The last sweep period found {missed} users without a group of whom no event told."
            " They are reported late until the event path works again; `straywatch doctor` looks"
            " for the reason."
        ),
    )


def configuration_notice(account: Account, faults: tuple[str, ...]) -> Notice:
    """Say that a configuration is refused, why, and what is in force instead."""
    return Notice(
        type=AlertType.HEALTH,
        severity=Severity.HIGH,
        account=account,
        title="Straywatch refuses its configuration",
        detail=(
            "The last good configuration stays in force. Faults: " + "; ".join(faults)[:3000] + "."
        ),
    )


def notice_body(notice: Notice) -> dict[str, Any]:
    """The JSON object of a notice: as an alert's, with `notice` in the place of the finding."""
    return {
        "schema": SCHEMA,
        "type": notice.type,
        "finding": None,
        "cause": None,
        "remediation": None,
        "notice": {
            "severity": notice.severity.name,
            "account_id": notice.account.account_id,
            "partition": notice.account.partition,
            "user_name": notice.user_name or None,
            "title": notice.title,
            "detail": notice.detail,
        },
    }


def alert_body(alert: Alert) -> dict[str, Any]:
    """The JSON object that SQS, Lambda and webhook subscribers get."""
    finding = alert.finding
    return {
        "schema": SCHEMA,
        "type": alert.type,
        "finding": {
            "id": finding.finding_id,
            "account_id": finding.account.account_id,
            "partition": finding.account.partition,
            "user_id": finding.user_id,
            "user_name": finding.user_name,
            "user_arn": finding.user_arn,
            "status": finding.status,
            "severity": finding.severity.name,
            "risk": finding.risk,
            "stray_since": iso(finding.stray_since),
            "evidence": finding.evidence,
            "opened_at": iso(finding.opened_at),
            "resolved_at": _iso_or_none(finding.resolved_at),
            "resolution": _resolution(finding.resolution),
            "detected_by": finding.detected_by,
            "reminders": finding.reminders,
            "flaps": finding.flaps,
        },
        "cause": _cause(finding.cause),
        "remediation": {
            "commands": list(fix_commands(finding.user_name)),
            "console_url": console_url(finding.account.partition, finding.user_name),
        },
    }


def _cause(cause: Cause | None) -> dict[str, str] | None:
    if cause is None:
        return None
    return {
        "event_name": cause.event_name,
        "event_id": cause.event_id,
        "event_time": iso(cause.event_time),
        "actor_arn": cause.actor_arn,
        "actor_type": cause.actor_type,
        "source_ip": cause.source_ip,
        "user_agent": cause.user_agent,
        "group_name": cause.group_name,
    }


def _resolution(resolution: Resolution | None) -> dict[str, Any] | None:
    if resolution is None:
        return None
    return {
        "reason": resolution.reason,
        "groups": list(resolution.groups),
        "exempted_by": resolution.exempted_by or None,
        "exempted_until": _iso_or_none(resolution.exempted_until),
    }


def _iso_or_none(instant: datetime | None) -> str | None:
    return iso(instant) if instant else None
