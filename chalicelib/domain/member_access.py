"""What the hub may do in a member: the actions of its role there, and what a refusal is."""

from __future__ import annotations

OF_ACCOUNT = (
    "iam:GenerateCredentialReport",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetCredentialReport",
)
"""Actions for which IAM knows no resource (Service Authorization Reference, IAM)."""
OF_USERS = (
    "iam:GetLoginProfile",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListAttachedUserPolicies",
    "iam:ListGroupsForUser",
    "iam:ListMFADevices",
    "iam:ListUserPolicies",
)
OF_POLICIES = ("iam:GetPolicy", "iam:GetPolicyVersion")
OF_RULE = ("events:DescribeRule", "events:ListTargetsByRule")
LOOKS = (*OF_ACCOUNT, *OF_USERS, *OF_POLICIES, *OF_RULE)
"""All that a check and a sweep read. The member's template grants exactly these."""

RULE_NAME = "straywatch-member"
"""The member's rule that forwards; the hub looks at each sweep whether it is still there."""

SESSION_SECONDS = 3600
"""Role to role, a session lasts an hour at most, whatever the role allows (IAM user guide, "Methods
to assume a role", role chaining)."""


def is_refusal(operation: str, code: str) -> bool:
    """Whether an error of AWS says that the member does not let the hub look.

    AssumeRole is refused with AccessDenied where the role does not exist, too; the session of a
    role that is deleted goes on for a while and is then refused as an invalid token.
    """
    looks = operation == "AssumeRole" or any(each.endswith(f":{operation}") for each in LOOKS)
    return looks and code in ("AccessDenied", "AccessDeniedException", "InvalidClientTokenId")


def role_arn(partition: str, account_id: str, role_name: str) -> str:
    """The role that the hub looks at a member with."""
    return f"arn:{partition}:iam::{account_id}:role/{role_name}"
