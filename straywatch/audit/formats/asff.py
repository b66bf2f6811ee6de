"""The report in AWS Security Finding Format, as a list for BatchImportFindings (100 a call)."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.partitions import HOME_REGIONS
from chalicelib.times import iso
from straywatch.audit.formats import controls
from straywatch.audit.report import AccountResult, AuditedUser, Report
from straywatch.errors import StraywatchError
from straywatch.text import visible

_TYPE = "Software and Configuration Checks/Industry and Regulatory Standards"
_STATUS = {
    Evaluation.COMPLIANT: ("PASSED", "RESOLVED"),
    Evaluation.NON_COMPLIANT: ("FAILED", "NEW"),
    # As Security Hub writes an evaluation of AWS Config that is NOT_APPLICABLE.
    Evaluation.NOT_APPLICABLE: ("NOT_AVAILABLE", "SUPPRESSED"),
}


def render(report: Report) -> str:
    """Write one finding for each user, and one for each account that was not read whole.

    An account that did not sign in, and so has no id, is reported by the first that did.
    """
    reporter = next((each.account for each in report.accounts if each.account), None)
    if reporter is None:
        raise StraywatchError("without any account that signs in there are no findings in ASFF")
    gaps = [
        _gap(each, each.account or reporter, report) for each in report.accounts if each.missing
    ]
    findings = gaps + [_finding(user, report) for user in report.users]
    return json.dumps(findings, indent=2) + "\n"


def _finding(user: AuditedUser, report: Report) -> dict[str, Any]:
    compliance, workflow = _STATUS[user.evaluation]
    severity = user.risk.severity.name if user.risk else "MEDIUM"
    stray = user.evaluation is Evaluation.NON_COMPLIANT
    return {
        **_head(user.account, report),
        "Id": controls.finding_id(user),
        "CreatedAt": iso(user.since or user.created_at),
        "Severity": {"Label": severity if stray else "INFORMATIONAL"},
        "Title": controls.title(user),
        "Description": controls.description(user),
        "Remediation": {"Recommendation": {"Text": controls.REMEDIATION}},
        "Resources": [_resource(user)],
        "Compliance": {
            "Status": compliance,
            "RelatedRequirements": [
                f"{controls.STANDARD} {each}" for each in controls.REQUIREMENTS
            ],
        },
        "Workflow": {"Status": workflow},
    }


def _gap(result: AccountResult, account: Account, report: Report) -> dict[str, Any]:
    return {
        **_head(account, report),
        "Id": controls.gap_id(result),
        "CreatedAt": iso(report.generated_at),
        "Severity": {"Label": "HIGH"},
        "Title": f"The IAM users of account {visible(result.name)} could not all be read",
        "Description": visible("; ".join(result.missing))[:1024],
        "Resources": [
            {
                "Type": "AwsAccount",
                "Id": f"AWS::::Account:{account.account_id}",
                "Partition": account.partition,
            }
        ],
        "Compliance": {"Status": "WARNING"},
        "Workflow": {"Status": "NEW"},
    }


def _head(account: Account, report: Report) -> dict[str, Any]:
    partition, number = account.partition, account.account_id
    product = f"{HOME_REGIONS.get(partition, 'us-east-1')}:{number}:product/{number}/default"
    return {
        "SchemaVersion": "2018-10-08",
        "ProductArn": f"arn:{partition}:securityhub:{product}",
        "ProductName": "Straywatch",
        "CompanyName": "Straywatch",
        "GeneratorId": f"straywatch-audit/{controls.CONTROL}",
        "AwsAccountId": number,
        "Types": [_TYPE],
        "UpdatedAt": iso(report.generated_at),
        "RecordState": "ACTIVE",
    }


def _resource(user: AuditedUser) -> dict[str, Any]:
    details: dict[str, Any] = {
        "UserId": user.user_id,
        "UserName": visible(user.name),
        "Path": visible(user.path),
        "CreateDate": iso(user.created_at),
        "GroupList": [visible(name) for name in user.groups],
        "UserPolicyList": [{"PolicyName": visible(name)} for name in user.inline_policies],
        "AttachedManagedPolicies": [
            {"PolicyArn": arn, "PolicyName": arn.rsplit("/", 1)[-1]}
            for arn in map(visible, user.attached_policies)
        ],
    }
    if user.boundary_arn:
        details["PermissionsBoundary"] = {"PermissionsBoundaryArn": visible(user.boundary_arn)}
    return {
        "Type": "AwsIamUser",
        "Id": visible(user.arn),
        "Partition": user.account.partition,
        "Region": HOME_REGIONS.get(user.account.partition, "us-east-1"),
        "Details": {"AwsIamUser": details},
    }
