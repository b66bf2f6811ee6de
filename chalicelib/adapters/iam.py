"""Live looks at IAM: the groups of one user, and the user itself.

Anything but an answer or "no such user" is raised as botocore raised it: never "no groups".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.domain.account import InGroups, InNoGroup, Look, NoSuchUser, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class UnreadableGroupsError(Exception):
    """IAM's list of groups broke off before its end: what was not seen is not "none"."""


@dataclass(frozen=True, slots=True)
class Iam:
    """IAM, as far as a check needs it."""

    client: Callable[[], IAMClient]

    def look(self, user_name: str) -> Look:
        """One call for a user in a group or gone, two for one in no group.

        A truncated first page with a group on it answers the question; an empty one does not,
        and the next is asked for.
        """
        pages = self.client().get_paginator("list_groups_for_user")
        whole = False
        try:
            for page in pages.paginate(UserName=user_name):
                if page["Groups"]:
                    return InGroups(tuple(group["GroupName"] for group in page["Groups"]))
                whole = page["IsTruncated"] is False
            if not whole:  # the paginator stops in silence where a page has no marker
                raise UnreadableGroupsError(
                    f"IAM did not list the groups of {user_name} to the end"
                )
            return InNoGroup(self._get(user_name))
        except self.client().exceptions.NoSuchEntityException:
            return NoSuchUser()

    def user(self, user_name: str) -> User | NoSuchUser:
        """The user of this name (its groups stay unknown), or NoSuchUser."""
        try:
            return self._get(user_name)
        except self.client().exceptions.NoSuchEntityException:
            return NoSuchUser()

    def _get(self, user_name: str) -> User:
        found = self.client().get_user(UserName=user_name)["User"]
        boundary = found.get("PermissionsBoundary", {})
        return User(
            user_id=found["UserId"],
            name=found["UserName"],
            arn=found["Arn"],
            path=found["Path"],
            created_at=found["CreateDate"],
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", [])},
            boundary_arn=boundary.get("PermissionsBoundaryArn"),
        )
