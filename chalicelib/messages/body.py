"""A message as machines read it: the versioned JSON body, described by docs/alert.schema.json."""

from __future__ import annotations

from typing import Any

from chalicelib.codec import encode
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Digest, Message, Notice
from chalicelib.domain.findings import AlertType, Finding, Resolution
from chalicelib.messages.remedies import (
    LIST_COMMAND,
    cloudtrail_url,
    console_url,
    exempt_command_of,
    fix_commands,
    join_commands,
    notice_commands,
    users_url,
)
from chalicelib.times import iso

SCHEMA = "straywatch.alert/1"


def body_of(message: Message, account_alias: str = "") -> dict[str, Any]:
    """The JSON object that SQS, Lambda and webhook subscribers get."""
    match message:
        case Alert():
            return _body(message, account_alias, _of_alert(message))
        case Notice():
            return _body(message, account_alias, _of_notice(message))
        case Digest():
            return _body(message, account_alias, _of_digest(message))


def _body(message: Message, account_alias: str, parts: dict[str, Any]) -> dict[str, Any]:
    frame = {
        "schema": SCHEMA,
        "type": message.type,
        "test": message.is_test,
        "audience": message.audience,
        "account_alias": account_alias or None,
        "finding": None,
        "cause": None,
    }
    return frame | parts


def _of_alert(alert: Alert) -> dict[str, Any]:
    finding = alert.finding
    partition = finding.account.partition
    over = alert.type is AlertType.RESOLVED
    return {
        "finding": finding_body(finding),
        # all fields, empty ones too; docs/alert.schema.json holds them to their names
        "cause": encode(finding.cause, whole=True, time=iso) if finding.cause else None,
        "remediation": {
            "commands": [] if over else list(fix_commands(finding)),
            "join": [] if over else list(join_commands(finding)),
            "exempt": [] if over else [exempt_command_of(finding)],
            "console_url": console_url(partition, finding.user_name) or None,
            "cloudtrail_url": cloudtrail_url(partition, finding.cause, finding.user_name) or None,
        },
    }


def finding_body(finding: Finding) -> dict[str, Any]:
    """A finding as every message about it shows it."""
    return {
        "id": finding.finding_id,
        "account_id": finding.account.account_id,
        "partition": finding.account.partition,
        "user_id": finding.user_id,
        "user_name": finding.user_name,
        "user_arn": finding.user_arn,
        "status": finding.status,
        "severity": finding.severity.name,
        "risk": finding.risk,
        "risk_unread": list(finding.unread),
        "stray_since": iso(finding.stray_since),
        "evidence": finding.evidence,
        "opened_at": iso(finding.opened_at),
        "resolved_at": iso(finding.resolved_at) if finding.resolved_at else None,
        "resolution": _resolution(finding.resolution) if finding.resolution else None,
        "detected_by": finding.detected_by,
        "reminders": finding.reminders,
        "flaps": finding.flaps,
    }


def _of_notice(notice: Notice) -> dict[str, Any]:
    user_link = console_url(notice.account.partition, notice.user_name)
    return {
        "remediation": {
            "commands": list(notice_commands(notice)),
            "console_url": (user_link if notice.user_name else "") or None,
            "cloudtrail_url": None,
        },
        "notice": {
            "severity": notice.severity.name,
            **_where(notice.account),
            "user_name": notice.user_name or None,
            "title": notice.title,
            "detail": notice.detail,
        },
    }


def _of_digest(digest: Digest) -> dict[str, Any]:
    return {
        "remediation": {
            "commands": [LIST_COMMAND],
            "console_url": users_url(digest.account.partition) or None,
            "cloudtrail_url": None,
        },
        "digest": {
            "id": digest.digest_id,
            "of": digest.of,
            "severity": digest.severity.name,
            "severity_here": digest.severity_here.name,
            **_where(digest.account),
            "at": iso(digest.at),
            "announced": digest.announced,
            "told_singly": digest.told_singly,
            "new": digest.new,
            "open": digest.open,
            "told_here_alone": digest.told_here_alone,
            "strays": digest.strays,
            "by_severity": {severity.name: count for severity, count in digest.by_severity},
            "worst": [
                {
                    "id": finding.finding_id,
                    "user_name": finding.user_name,
                    "severity": finding.severity.name,
                    "stray_since": iso(finding.stray_since),
                }
                for finding in digest.worst
            ],
        },
    }


def _where(account: Account) -> dict[str, str]:
    return {"account_id": account.account_id, "partition": account.partition}


def _resolution(resolution: Resolution) -> dict[str, Any]:
    plain: dict[str, Any] = encode(resolution, whole=True, time=iso)
    return plain | {"exempted_by": resolution.exempted_by or None}
