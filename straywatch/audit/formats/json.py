"""The report as one JSON object; `docs/audit.schema.json` describes it."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.severity import Severity
from chalicelib.times import iso
from straywatch.audit.report import AccountResult, AuditedUser, Report

SCHEMA = "straywatch.audit/1"


def render(report: Report) -> str:
    """Write the report as JSON. Every character outside ASCII is escaped."""
    return json.dumps(document(report), indent=2) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Build the JSON object."""
    severities = [user.risk.severity for user in report.strays if user.risk]
    return {
        "schema": SCHEMA,
        "generated_at": iso(report.generated_at),
        "complete": report.complete,
        "missing": list(report.missing),
        "counts": report.counts(),
        "severities": {each.name: severities.count(each) for each in reversed(Severity)},
        "accounts": [_account(account) for account in report.accounts],
        "users": [_user(user) for user in report.users],
    }


def _account(result: AccountResult) -> dict[str, Any]:
    as_of = result.credentials_as_of
    return {
        "account_id": result.account.account_id if result.account else None,
        "partition": result.account.partition if result.account else None,
        "source": result.source,
        "complete": not result.missing,
        "missing": list(result.missing),
        "users": len(result.users),
        "credentials_as_of": iso(as_of) if as_of else None,
    }


def _user(user: AuditedUser) -> dict[str, Any]:
    exemption, risk = user.exemption, user.risk
    return {
        "account_id": user.account.account_id,
        "partition": user.account.partition,
        "user_id": user.user_id,
        "user_name": user.name,
        "user_arn": user.arn,
        "path": user.path,
        "created_at": iso(user.created_at),
        "evaluation": user.evaluation.value,
        "status": user.status,
        "groups": list(user.groups),
        "stray_since": iso(user.since) if user.since else None,
        "stray_since_source": user.since_source or None,
        "exemption": exemption
        and {
            "by": exemption.by,
            "reason": exemption.reason,
            "until": iso(exemption.until) if exemption.until else None,
        },
        "note": user.note or None,
        "policies": {
            "inline": list(user.inline_policies),
            "attached": list(user.attached_policies),
        },
        "permissions_boundary": user.boundary_arn,
        "risk": risk
        and {
            "severity": risk.severity.name,
            "reasons": risk.reasons,
            "unknown": list(risk.unknown),
        },
    }
