"""The report as OCSF Compliance Findings (class 2003), a JSON list."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.partitions import HOME_REGIONS
from straywatch import __version__
from straywatch.audit.formats import controls
from straywatch.audit.formats.times import milliseconds
from straywatch.audit.report import AccountResult, AuditedUser, Report
from straywatch.text import visible

VERSION = "1.5.0"
"""The version of OCSF that is written."""

_COMPLIANCE = {
    Evaluation.COMPLIANT: (1, "Pass"),
    Evaluation.NON_COMPLIANT: (3, "Fail"),
    Evaluation.NOT_APPLICABLE: (99, "Not applicable"),
}
_WARNING = (2, "Warning")
_LIFE = {  # status_id of the finding itself
    Evaluation.COMPLIANT: (4, "Resolved"),
    Evaluation.NON_COMPLIANT: (1, "New"),
    Evaluation.NOT_APPLICABLE: (3, "Suppressed"),
}
_INFORMATIONAL = (1, "Informational")
_SEVERITY = {"LOW": (2, "Low"), "MEDIUM": (3, "Medium"), "HIGH": (4, "High")}
_SEVERITY["CRITICAL"] = (5, "Critical")


def render(report: Report) -> str:
    """Write one event for each user, and one for each account that was not read whole."""
    gaps = [_gap(each, report) for each in report.accounts if each.missing]
    events = gaps + [_event(user, report) for user in report.users]
    return json.dumps(events, indent=2) + "\n"


def _event(user: AuditedUser, report: Report) -> dict[str, Any]:
    partition = user.account.partition
    severity = _INFORMATIONAL
    if user.evaluation is Evaluation.NON_COMPLIANT:
        severity = _SEVERITY[user.risk.severity.name if user.risk else "MEDIUM"]
    finding = {
        "uid": controls.finding_id(user),
        "title": controls.title(user),
        "desc": controls.description(user),
        "created_time": milliseconds(report.generated_at),
        "first_seen_time": milliseconds(user.since or user.created_at),
        "types": ["Software and Configuration Checks"],
    }
    resource = {
        "uid": user.arn,
        "name": user.name,
        "type": "AWS::IAM::User",
        "cloud_partition": partition,
        "region": HOME_REGIONS.get(partition, "global"),
        "data": {
            "user_id": user.user_id,
            "groups": list(user.groups),
            "inline_policies": list(user.inline_policies),
            "attached_policies": list(user.attached_policies),
        },
    }
    return {
        **_frame(report, severity, _LIFE[user.evaluation], user.account),
        "finding_info": finding,
        "compliance": _compliance(_COMPLIANCE[user.evaluation]),
        "resources": [resource],
        "remediation": {"desc": controls.REMEDIATION},
    }


def _gap(result: AccountResult, report: Report) -> dict[str, Any]:
    finding = {
        "uid": controls.gap_id(result),
        "title": f"The IAM users of account {visible(result.name)} could not all be read",
        "desc": visible("; ".join(result.missing)),
        "created_time": milliseconds(report.generated_at),
    }
    return {
        **_frame(report, _SEVERITY["HIGH"], _LIFE[Evaluation.NON_COMPLIANT], result.account),
        "finding_info": finding,
        "compliance": _compliance(_WARNING),
        "resources": [{"uid": visible(result.name), "type": "AWS::::Account"}],
    }


def _frame(
    report: Report, severity: tuple[int, str], life: tuple[int, str], account: Account | None
) -> dict[str, Any]:
    product = {"name": "Straywatch", "vendor_name": "Straywatch", "version": __version__}
    return {
        "activity_id": 1,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200301,
        "type_name": "Compliance Finding: Create",
        "time": milliseconds(report.generated_at),
        "severity_id": severity[0],
        "severity": severity[1],
        "status_id": life[0],
        "status": life[1],
        "metadata": {"version": VERSION, "product": product, "profiles": ["cloud"]},
        "cloud": _cloud(account) if account else {"provider": "AWS"},
    }


def _cloud(account: Account) -> dict[str, Any]:
    number = account.account_id
    return {
        "provider": "AWS",
        "region": HOME_REGIONS.get(account.partition, "global"),
        "account": {"uid": number, "name": number, "type": "AWS Account", "type_id": 10},
    }


def _compliance(status: tuple[int, str]) -> dict[str, Any]:
    return {
        "control": controls.CONTROL,
        "desc": controls.DESCRIPTION,
        "standards": [controls.STANDARD],
        "requirements": list(controls.REQUIREMENTS),
        "status_id": status[0],
        "status": status[1],
    }
