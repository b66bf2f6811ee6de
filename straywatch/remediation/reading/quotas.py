"""IAM's quotas for groups, and what the account's own summary says of them.

Source of the defaults: IAM User Guide, "IAM and AWS STS quotas", read November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

GROUP_NAME_LENGTH = 128
"""Characters in a group's name, of `[\\w+=,.@-]` (API reference, CreateGroup)."""

PATH_LENGTH = 512
"""Characters in a path (API reference, CreateGroup)."""


@dataclass(frozen=True)
class Quotas:
    """How much IAM lets one account have."""

    groups: int = 300
    """Groups in the account; can be raised to 500."""
    policies_per_group: int = 10
    """Managed policies attached to one group; can be raised to 20."""
    inline_characters: int = 5120
    """Characters without white space in all inline policies of one group; cannot be raised."""
    groups_per_user: int = 10
    """Groups one user can be in; cannot be raised."""
    estimated: bool = False
    """The account's own quotas could not be read; the defaults are never above them."""


DEFAULTS = Quotas()


def read_quotas(iam: IAMClient) -> Quotas:
    """Ask the account for its quotas: GetAccountSummary.

    The defaults stand in for keys it lacks and, marked as estimated, where reading it is denied:
    quotas are only ever raised, so that the defaults are safe. Raises any other ClientError.
    """
    try:
        summary = iam.get_account_summary()["SummaryMap"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") not in (
            "AccessDenied",
            "AccessDeniedException",
        ):
            raise
        return Quotas(estimated=True)
    return Quotas(
        groups=summary.get("GroupsQuota", DEFAULTS.groups),
        policies_per_group=summary.get(
            "AttachedPoliciesPerGroupQuota", DEFAULTS.policies_per_group
        ),
        inline_characters=summary.get("GroupPolicySizeQuota", DEFAULTS.inline_characters),
        groups_per_user=summary.get("GroupsPerUserQuota", DEFAULTS.groups_per_user),
    )
