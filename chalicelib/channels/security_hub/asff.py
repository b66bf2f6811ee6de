"""A finding as AWS Security Hub keeps it: the AWS Security Finding Format.

https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.messages.actors import actor
from chalicelib.messages.endings import in_full, resolution_in
from chalicelib.text import elided, harmless
from chalicelib.times import exact, in_utc, parse_time

_TYPE = "Software and Configuration Checks/AWS Security Best Practices/IAM user without a group"
_LONGEST_TITLE = 256
_LONGEST_DESCRIPTION = 1024
_LONGEST_REMEDIATION = 512


def asff_of(
    finding: Mapping[str, Any],
    remediation: Mapping[str, Any],
    *,
    importer: Account,
    region: str,
    updated_at: datetime,
    test: bool,
) -> dict[str, Any]:
    """The finding as it stands, under one id through its life.

    Security Hub takes findings of the importing account alone; the resource names the user's own.
    A test is put in the archive at once. Of two updates the one with the later `updated_at` stays.
    """
    over = finding["status"] == "RESOLVED"
    severity = {"Label": "INFORMATIONAL" if test else finding["severity"]}
    types = [_TYPE]
    arn = f"arn:{importer.partition}:securityhub:{region}:{importer.account_id}"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": finding["id"],
        "ProductArn": f"{arn}:product/{importer.account_id}/default",
        "GeneratorId": "straywatch",
        "AwsAccountId": importer.account_id,
        "Types": types,
        "CreatedAt": finding["opened_at"],
        "UpdatedAt": exact(updated_at),
        "FirstObservedAt": finding["stray_since"],
        "LastObservedAt": finding["resolved_at"] or exact(updated_at),
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": types},
        "Title": elided(("[TEST] " if test else "") + _title(finding), _LONGEST_TITLE),
        "Description": elided(_description(finding), _LONGEST_DESCRIPTION),
        "Remediation": {"Recommendation": _recommendation(remediation)},
        "Resources": [_resource(finding, region)],
        "Compliance": {"Status": "PASSED" if over or test else "FAILED"},
        "RecordState": "ARCHIVED" if over or test else "ACTIVE",
        "ProductFields": {
            "straywatch/detected_by": finding["detected_by"],
            "straywatch/evidence": finding["evidence"],
        },
    }


def _title(finding: Mapping[str, Any]) -> str:
    return f"IAM user {harmless(finding['user_name'])} is in no group"


def _description(finding: Mapping[str, Any]) -> str:
    began = in_utc(parse_time(finding["stray_since"]))
    since = f"The user has been in no group since {began}."
    resolution = finding["resolution"]
    if resolution:
        over, at = resolution_in(resolution), in_utc(parse_time(finding["resolved_at"]))
        account = Account(finding["partition"], finding["account_id"])
        by = f", by {actor(over.cause, account)}" if over.cause else ""
        since = f"The user had been in no group since {began}. Over at {at}: {in_full(over)}{by}."
    unread = f" Not read: {', '.join(finding['risk_unread'])}." if finding["risk_unread"] else ""
    return harmless(f"{since} Risk: {finding['risk'] or 'not known'}.{unread}")


def _recommendation(remediation: Mapping[str, Any]) -> dict[str, str]:
    text = "Either put the user in a group, or exempt it with a reason and an end."
    link = remediation["console_url"]
    return {"Text": text} | ({"Url": link} if link and len(link) <= _LONGEST_REMEDIATION else {})


def _resource(finding: Mapping[str, Any], region: str) -> dict[str, Any]:
    return {
        "Type": "AwsIamUser",
        "Id": finding["user_arn"],
        "Partition": finding["partition"],
        "Region": region,
        "Details": {
            "AwsIamUser": {
                "UserId": finding["user_id"],
                "UserName": finding["user_name"],
                "GroupList": (finding["resolution"] or {}).get("groups", []),
            }
        },
    }
