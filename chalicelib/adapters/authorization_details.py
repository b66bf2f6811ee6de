"""GetAccountAuthorizationDetails: users, groups and policies of an account, 1,000 to an answer.

Nothing here decides. A read that fails, at any page, raises: what was not seen is not "none".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.iam_pages import (
    BROKEN,
    FAILURES,
    IncompleteAnswerError,
    listed,
    marker_after,
    pages,
)
from chalicelib.domain.account import Page, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.literals import EntityTypeType

PAGE_SIZES = (1000, 100)
"""How many are asked for at first, and once a page has broken.

IAM API Reference, GetAccountAuthorizationDetails: MaxItems is 1 to 1,000."""

Detail = Mapping[str, Any]


class UnreadableUsersError(Exception):
    """The users could not be read to the end; the cause is chained."""


def users(client: IAMClient) -> Iterator[User]:
    """Yield every user of the account that `client` reads. Raises UnreadableUsersError."""
    for page in user_pages(client):
        yield from page.users


def user_pages(
    client: IAMClient, marker: str | None = None, size: int = PAGE_SIZES[0]
) -> Iterator[Page]:
    """Yield the pages of users from `marker` on, or from the first. Raises UnreadableUsersError."""
    try:
        for answer in answers(client, ["User"], marker, size):
            found = tuple(map(user_of, listed(answer, "UserDetailList")))
            yield Page(found, marker_after(answer))
    except FAILURES as error:
        raise UnreadableUsersError(f"GetAccountAuthorizationDetails: {error}") from error


def answers(
    client: IAMClient,
    kinds: Sequence[EntityTypeType],
    marker: str | None = None,
    size: int = PAGE_SIZES[0],
) -> Iterator[Detail]:
    """Yield the answers about these kinds. Raises as `iam_pages.pages` does.

    Where a page does not come, or comes in half, it is asked for again, and all that follow, in
    smaller ones. Throttling and refusals are raised: a smaller page would fare no better.
    """
    operation = "get_account_authorization_details"
    sizes = (size, *(each for each in PAGE_SIZES if each < size))
    return pages(_Smaller(client, sizes), operation, marker, Filter=kinds)


@dataclass(slots=True)
class _Smaller:
    """The client, asked for the largest page that it has been able to give."""

    client: IAMClient
    sizes: tuple[int, ...]

    def get_account_authorization_details(self, **asked: Any) -> Detail:  # noqa: ANN401 - as asked
        """Ask for one page. Raises what botocore raises for the smallest one."""
        size, *smaller = self.sizes
        try:
            return self.client.get_account_authorization_details(**asked, MaxItems=size)
        except BROKEN:
            if not smaller:
                raise
        self.sizes = tuple(smaller)
        return self.get_account_authorization_details(**asked)


def user_of(detail: Detail) -> User:
    """Read one of UserDetailList, or GetUser's; groups that it does not tell stay unknown.

    Raises IncompleteAnswerError where it lacks what every user has.
    """
    try:
        return User(
            user_id=detail["UserId"],
            name=detail["UserName"],
            arn=detail["Arn"],
            path=detail["Path"],
            created_at=detail["CreateDate"].astimezone(UTC),
            groups=tuple(detail["GroupList"]) if "GroupList" in detail else None,
            tags={tag["Key"]: tag["Value"] for tag in detail.get("Tags", ())},
            inline_policies=inline_policies(detail.get("UserPolicyList", ())),
            attached_policies=attached_policies(detail),
            boundary_arn=detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise IncompleteAnswerError(lack=f"a user comes without {error}") from error


def inline_policies(policies: Sequence[Detail]) -> dict[str, Any]:
    """The documents of UserPolicyList or GroupPolicyList by name; one that is no JSON is text."""
    return {policy["PolicyName"]: policy["PolicyDocument"] for policy in policies}


def attached_policies(holder: Detail) -> tuple[str, ...]:
    """The ARNs of the managed policies that a user or a group has."""
    return tuple(policy["PolicyArn"] for policy in holder.get("AttachedManagedPolicies", ()))


def default_version(policy: Detail) -> Detail:
    """The version of a managed policy that is in force; empty where the answer shows none."""
    versions = policy.get("PolicyVersionList", ())
    return next((version for version in versions if version.get("IsDefaultVersion")), {})
