"""The words that findings about a stray share, whatever the format, and the controls it supports.

Membership in a group supports these controls; no report of ours claims compliance with them.
"""

from __future__ import annotations

from straywatch.audit.report import AccountResult, AuditedUser
from straywatch.text import visible

CONTROL = "iam-user-in-group"
"""The name of the one check, as a part of finding ids."""

DESCRIPTION = "Every IAM user is in at least one group, unless exempt."

# As Powerpipe and cdk-nag map the rule IAM_USER_GROUP_MEMBERSHIP_CHECK of AWS Config.
STANDARD = "HIPAA Security Rule"
REQUIREMENTS = (
    "45 CFR 164.308(a)(3)(i)",
    "45 CFR 164.308(a)(3)(ii)(B)",
    "45 CFR 164.308(a)(4)(i)",
    "45 CFR 164.308(a)(4)(ii)(B)",
    "45 CFR 164.308(a)(4)(ii)(C)",
    "45 CFR 164.312(a)(1)",
)

REMEDIATION = (
    "Either put the user in a group (aws iam add-user-to-group), or exempt it with a reason and "
    "an end."
)


def finding_id(user: AuditedUser) -> str:
    """One id for this user through all audits."""
    return f"straywatch-audit/{CONTROL}/{user.account.key}/{user.user_id}"


def gap_id(result: AccountResult) -> str:
    """One id, through all audits, for an account that could not be read whole."""
    account = result.account.key if result.account else visible(result.source)
    return f"straywatch-audit/{CONTROL}/{account}/incomplete"


def title(user: AuditedUser) -> str:
    """What was found, in a phrase."""
    name = visible(user.name)
    return {
        "stray": f"IAM user {name} is in no group",
        "exempt": f"IAM user {name} is exempt from being in a group",
        "in groups": f"IAM user {name} is in a group",
    }[user.status]


def description(user: AuditedUser) -> str:
    """What was found, in a sentence or two, within 1,024 characters."""
    parts = [DESCRIPTION]
    if user.risk:
        parts.append(f"Risk {user.risk.severity.name}: {user.risk.reasons}.")
        parts += [f"Not read: {gap}." for gap in user.risk.unknown]
    if user.exemption:
        parts.append(f"Exempt by {user.exemption.by}: {user.exemption.reason}.")
    if user.note:
        parts.append(f"{user.note}.")
    text = visible(" ".join(parts))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "\u2026"


_LONGEST = 1024  # Security Hub, AwsSecurityFinding: Description
