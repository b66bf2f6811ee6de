"""Read every user of an account, page by page, from GetAccountAuthorizationDetails.

Nothing here decides. A read that fails, at any page, raises: what was not seen is not "none".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from chalicelib.domain.account import Page, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

PAGE_SIZE = 1000
"""IAM API Reference, GetAccountAuthorizationDetails: MaxItems is at most 1,000."""

_FAILURES = (BotoCoreError, ClientError, ResponseParserError)


class UnreadableUsersError(Exception):
    """The users could not be read to the end; the cause is chained."""


def users(client: IAMClient) -> Iterator[User]:
    """Yield every user of the account that `client` reads. Raises UnreadableUsersError."""
    for page in pages(client):
        yield from page.users


def pages(client: IAMClient, marker: str | None = None) -> Iterator[Page]:
    """Yield the pages from `marker` on, or from the first. Raises UnreadableUsersError.

    Pages may be short, or empty with more to come. A marker that comes twice is an error, since
    following it would never end.
    """
    seen = {marker}
    while True:
        page = _page(client, marker)
        yield page
        marker = page.next_marker
        if marker is None:
            return
        if marker in seen:
            raise UnreadableUsersError("IAM repeats a page: its list of users does not end")
        seen.add(marker)


def _page(client: IAMClient, marker: str | None) -> Page:
    try:
        answer: Mapping[str, Any] = client.get_account_authorization_details(
            Filter=["User"], MaxItems=PAGE_SIZE, **({"Marker": marker} if marker else {})
        )
    except _FAILURES as error:
        raise UnreadableUsersError(f"GetAccountAuthorizationDetails: {error}") from error
    try:
        found = tuple(map(_user, answer.get("UserDetailList", ())))
        return Page(found, answer["Marker"] if answer["IsTruncated"] else None)
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableUsersError(f"IAM answered a page without {error}") from error


def _user(detail: Mapping[str, Any]) -> User:
    return User(
        user_id=detail["UserId"],
        name=detail["UserName"],
        arn=detail["Arn"],
        path=detail["Path"],
        created_at=detail["CreateDate"].astimezone(UTC),
        groups=tuple(detail["GroupList"]) if "GroupList" in detail else None,
        tags={tag["Key"]: tag["Value"] for tag in detail.get("Tags", ())},
        inline_policies={
            policy["PolicyName"]: policy["PolicyDocument"]
            for policy in detail.get("UserPolicyList", ())
        },
        attached_policies=tuple(
            policy["PolicyArn"] for policy in detail.get("AttachedManagedPolicies", ())
        ),
        boundary_arn=detail.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
    )
