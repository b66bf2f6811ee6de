"""Read every user of an account, page by page, from GetAccountAuthorizationDetails.

Nothing here decides. A read that fails, at any page, raises: what was not seen is not "none".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chalicelib.adapters.authorization_details import answers, user_of
from chalicelib.adapters.iam_pages import FAILURES, listed, marker_after
from chalicelib.domain.account import Page, User

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


class UnreadableUsersError(Exception):
    """The users could not be read to the end; the cause is chained."""


def users(client: IAMClient) -> Iterator[User]:
    """Yield every user of the account that `client` reads. Raises UnreadableUsersError."""
    for page in pages(client):
        yield from page.users


def pages(client: IAMClient, marker: str | None = None) -> Iterator[Page]:
    """Yield the pages from `marker` on, or from the first. Raises UnreadableUsersError."""
    try:
        for answer in answers(client, ["User"], marker):
            found = tuple(map(user_of, listed(answer, "UserDetailList")))
            yield Page(found, marker_after(answer))
    except FAILURES as error:
        raise UnreadableUsersError(f"GetAccountAuthorizationDetails: {error}") from error
