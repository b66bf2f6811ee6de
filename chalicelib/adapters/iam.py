"""Live looks at IAM: the groups of one user, and the user itself.

Anything but an answer or "no such user" is raised, a list that breaks off too: never "no groups".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.adapters.authorization_details import user_of
from chalicelib.adapters.iam_pages import listed, pages
from chalicelib.domain.account import InGroups, InNoGroup, Look, NoSuchUser, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


@dataclass(frozen=True, slots=True)
class Iam:
    """IAM, as far as a check needs it."""

    client: Callable[[], IAMClient]

    def look(self, user_name: str) -> Look:
        """One call for a user in a group or gone, two for one in no group.

        A truncated first page with a group on it answers the question; an empty one does not,
        and the next is asked for.
        """
        try:
            for page in pages(self.client(), "list_groups_for_user", UserName=user_name):
                if groups := listed(page, "Groups"):
                    return InGroups(tuple(group["GroupName"] for group in groups))
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
        return user_of(self.client().get_user(UserName=user_name)["User"])
