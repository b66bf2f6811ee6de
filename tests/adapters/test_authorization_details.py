"""Reading users page by page from a stubbed IAM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from mypy_boto3_iam import IAMClient

from chalicelib.adapters.authorization_details import UnreadableUsersError, user_pages, users
from chalicelib.domain.account import Page, User
from tests.adapters.aws import answering

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
CALL = "get_account_authorization_details"


@pytest.fixture
def iam() -> IAMClient:
    """A client that talks to nobody."""
    return boto3.client(
        "iam", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def stub(iam: IAMClient) -> Iterator[Stubber]:
    """The client's answers, which must all be asked for."""
    with Stubber(iam) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def detail(name: str, **more: Any) -> dict[str, Any]:
    """A user as IAM describes it."""
    return {
        "UserId": f"AIDAABCDEFGHIJK00{name}",
        "UserName": name,
        "Arn": f"arn:aws:iam::123456789012:user/{name}",
        "Path": "/",
        "CreateDate": CREATED,
        "GroupList": [],
        **more,
    }


def answer(stub: Stubber, users: list[dict[str, Any]], marker: str = "", after: str = "") -> None:
    """Queue one page, asked for with the marker `after`."""
    expected = {"Filter": ["User"], "MaxItems": 1000, **({"Marker": after} if after else {})}
    more = {"IsTruncated": True, "Marker": marker} if marker else {"IsTruncated": False}
    stub.add_response(CALL, {"UserDetailList": users, **more}, expected)


def broken_at(iam: Any, sizes: set[int]) -> list[int]:
    """IAM whose pages of these sizes never come; returns the sizes that are asked for."""
    asked: list[int] = []

    def refuse(params: dict[str, Any], **_: Any) -> None:
        asked.append(int(params["body"]["MaxItems"]))
        if asked[-1] in sizes:
            raise ReadTimeoutError(endpoint_url="https://iam.amazonaws.com")

    iam.meta.events.register_first("before-call.iam.GetAccountAuthorizationDetails", refuse)
    return asked


def test_a_page_that_never_comes_is_asked_for_in_smaller_ones() -> None:
    """IAM builds a whole page first: 1,000 users with all their policies may take too long."""
    pages = {"": (["ann"], "1"), "1": (["bob"], "2"), "2": (["eve"], "")}

    def answered(request: AWSPreparedRequest) -> tuple[int, bytes]:
        told = dict(parse_qsl(str(request.body)))
        names, after = pages[told.get("Marker", "")]
        return 200, details_page(names, after)

    iam = answering("iam", answered)
    asked = broken_at(iam, {1000})
    assert [user.name for user in users(iam)] == ["ann", "bob", "eve"]
    assert asked == [1000, 100, 100, 100]


def test_where_small_pages_break_too_it_is_an_error() -> None:
    """A page that was not read never counts as empty."""
    iam = answering("iam", lambda _: (200, b""))
    asked = broken_at(iam, {1000, 100})
    with pytest.raises(UnreadableUsersError, match="Read timeout"):
        list(users(iam))
    assert asked == [1000, 100]


def details_page(names: list[str], after: str) -> bytes:
    """A page of users in IAM's XML."""
    members = "".join(
        f"<member><UserId>AIDA{name}</UserId><UserName>{name}</UserName><Path>/</Path>"
        f"<Arn>arn:aws:iam::123456789012:user/{name}</Arn><GroupList/>"
        "<CreateDate>2026-01-01T00:00:00Z</CreateDate></member>"
        for name in names
    )
    more = (
        f"<IsTruncated>true</IsTruncated><Marker>{after}</Marker>"
        if after
        else ("<IsTruncated>false</IsTruncated>")
    )
    result = f"<UserDetailList>{members}</UserDetailList>{more}"
    tag = "GetAccountAuthorizationDetails"
    return f"<{tag}Response><{tag}Result>{result}</{tag}Result></{tag}Response>".encode()


def test_a_user_comes_with_all_that_the_page_tells(iam: IAMClient, stub: Stubber) -> None:
    """Groups, tags, policies and the boundary are read from the one call."""
    document = "%7B%22Statement%22%3A%5B%5D%7D"
    full = detail(
        "ann",
        GroupList=["staff"],
        Tags=[{"Key": "k", "Value": "v"}],
        UserPolicyList=[{"PolicyName": "p", "PolicyDocument": document}],
        AttachedManagedPolicies=[{"PolicyName": "q", "PolicyArn": "arn:aws:iam::aws:policy/qqqqq"}],
        PermissionsBoundary={"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/bbbbb"},
    )
    answer(stub, [full])
    assert list(users(iam)) == [
        User(
            "AIDAABCDEFGHIJK00ann",
            "ann",
            "arn:aws:iam::123456789012:user/ann",
            "/",
            CREATED,
            ("staff",),
            {"k": "v"},
            {"p": {"Statement": []}},  # decoded by botocore
            ("arn:aws:iam::aws:policy/qqqqq",),
            "arn:aws:iam::aws:policy/bbbbb",
        )
    ]


def test_pages_go_on_where_a_marker_points(iam: IAMClient, stub: Stubber) -> None:
    """Each page names the marker after it, and reading can begin at any of them."""
    answer(stub, [detail("a")], marker="two", after="one")
    answer(stub, [detail("b")], after="two")
    read = list(user_pages(iam, "one"))
    assert [page.next_marker for page in read] == ["two", None]
    assert [user.name for page in read for user in page.users] == ["a", "b"]


def test_an_empty_page_is_not_the_end(iam: IAMClient, stub: Stubber) -> None:
    """IAM may answer a page without users and with more to come."""
    answer(stub, [], marker="two")
    answer(stub, [detail("b")], after="two")
    assert [user.name for user in users(iam)] == ["b"]


def test_a_page_is_handed_on_before_the_next_is_asked_for(iam: IAMClient, stub: Stubber) -> None:
    """What was seen before a failure is in hand, and the failure still comes."""
    answer(stub, [detail("a")], marker="two")
    stub.add_client_error(CALL, "AccessDenied", "no")
    reading = user_pages(iam)
    assert next(reading) == Page(_plain("a"), "two")
    with pytest.raises(UnreadableUsersError, match="AccessDenied"):
        next(reading)


def _plain(name: str) -> tuple[User, ...]:
    arn = f"arn:aws:iam::123456789012:user/{name}"
    return (User(f"AIDAABCDEFGHIJK00{name}", name, arn, "/", CREATED, ()),)


def test_a_repeated_marker_is_an_error(iam: IAMClient, stub: Stubber) -> None:
    """A list that goes round in circles ends with an error, not never."""
    answer(stub, [], marker="two")
    answer(stub, [], marker="three", after="two")
    answer(stub, [], marker="two", after="three")
    with pytest.raises(UnreadableUsersError, match="does not end"):
        list(users(iam))


def test_groups_that_were_not_told_are_unknown(iam: IAMClient, stub: Stubber) -> None:
    """A user without a group list in the answer is not one without groups."""
    silent = detail("a")
    del silent["GroupList"]
    answer(stub, [silent])
    assert next(users(iam)).groups is None


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"IsTruncated": True},
        {"IsTruncated": False},
        {"IsTruncated": False, "UserDetailList": [{}]},
    ],
)
def test_a_page_that_breaks_is_an_error(
    iam: IAMClient, stub: Stubber, page: dict[str, Any]
) -> None:
    """Half an answer is never taken for a short one."""
    stub.add_response(CALL, page)
    with pytest.raises(UnreadableUsersError):
        list(users(iam))
