"""What applies to each user, read from IAM's answer itself and by none of our code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Access:
    """The documents on a user, their own and their groups', and those of the boundary, if any."""

    documents: tuple[Document, ...]
    boundary: tuple[Document, ...] | None


def access(iam: IAMClient) -> dict[str, Access]:
    """Each user of the account by name."""
    details: Any = iam.get_account_authorization_details()
    managed = {
        policy["Arn"]: version["Document"]
        for policy in details["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    groups = {group["GroupName"]: group for group in details["GroupDetailList"]}
    found = {}
    for user in details["UserDetailList"]:
        held = _held(user, "UserPolicyList", managed)
        for name in user["GroupList"]:
            held += _held(groups[name], "GroupPolicyList", managed)
        limit = user.get("PermissionsBoundary")
        boundary = (managed[limit["PermissionsBoundaryArn"]],) if limit else None
        found[user["UserName"]] = Access(tuple(held), boundary)
    return found


def _held(
    holder: Mapping[str, Any], inline: str, managed: Mapping[str, Document]
) -> list[Document]:
    attached = [managed[each["PolicyArn"]] for each in holder["AttachedManagedPolicies"]]
    return attached + [each["PolicyDocument"] for each in holder.get(inline, [])]
