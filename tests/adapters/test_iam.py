"""Live looks at IAM: answers are read, everything else is raised, and no call is wasted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber
from moto import mock_aws
from mypy_boto3_iam import IAMClient

from chalicelib.adapters.iam import Iam
from chalicelib.adapters.iam_pages import IncompleteAnswerError
from chalicelib.domain.account import InGroups, InNoGroup, NoSuchUser, User
from tests.adapters.aws import answering, client
from tests.unit.records import NOW, USER_ID

ARN = "arn:aws:iam::123456789012:user/staff/bob"
BOB = {
    "UserId": USER_ID,
    "UserName": "bob",
    "Arn": ARN,
    "Path": "/staff/",
    "CreateDate": NOW,
}
ASKED = {"UserName": "bob"}


@pytest.fixture
def iam() -> IAMClient:
    """A client that talks to nobody."""
    made: IAMClient = client("iam")
    return made


@pytest.fixture
def stub(iam: IAMClient) -> Iterator[Stubber]:
    """The client's answers: every call must be expected, and every expected one made."""
    with Stubber(iam) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def page(stub: Stubber, *groups: str, marker: str = "", after: str = "") -> None:
    """Queue a page of groups, asked for with the marker `after`; with `marker` more is to come."""
    listed = [
        {
            "GroupName": group,
            "GroupId": "AGPAQWERTYUIOPASDFGH",
            "Arn": f"arn:aws:iam::123456789012:group/{group}",
            "Path": "/",
            "CreateDate": NOW,
        }
        for group in groups
    ]
    more: dict[str, Any] = (
        {"IsTruncated": True, "Marker": marker} if marker else {"IsTruncated": False}
    )
    asked = ASKED | ({"Marker": after} if after else {})
    stub.add_response("list_groups_for_user", {"Groups": listed, **more}, asked)


def test_a_user_in_groups_costs_one_call(iam: IAMClient, stub: Stubber) -> None:
    """The first page that shows a group answers the question."""
    page(stub, "nurses", "billing")
    assert Iam(lambda: iam).look("bob") == InGroups(("nurses", "billing"))


def test_a_truncated_page_with_groups_answers(iam: IAMClient, stub: Stubber) -> None:
    """That there are more groups does not matter: no second call is made."""
    page(stub, "nurses", marker="more")
    assert Iam(lambda: iam).look("bob") == InGroups(("nurses",))


def test_an_empty_page_with_more_to_come_is_no_answer(iam: IAMClient, stub: Stubber) -> None:
    """IAM may answer a page without any group and go on: the user is in the group that follows."""
    page(stub, marker="m1")
    page(stub, marker="m2", after="m1")
    page(stub, "nurses", after="m2")
    assert Iam(lambda: iam).look("bob") == InGroups(("nurses",))


def test_no_group_on_any_page_costs_one_more_call(iam: IAMClient, stub: Stubber) -> None:
    """Only a stray costs GetUser, which tells its id, tags and boundary."""
    page(stub)
    boundary = "arn:aws:iam::123456789012:policy/limits"
    user = BOB | {
        "Tags": [{"Key": "team", "Value": "x"}],
        "PermissionsBoundary": {
            "PermissionsBoundaryType": "Policy",
            "PermissionsBoundaryArn": boundary,
        },
    }
    stub.add_response("get_user", {"User": user}, ASKED)
    assert Iam(lambda: iam).look("bob") == InNoGroup(
        User(USER_ID, "bob", ARN, "/staff/", NOW, tags={"team": "x"}, boundary_arn=boundary)
    )


def test_the_groups_of_a_user_from_get_user_are_unknown(iam: IAMClient, stub: Stubber) -> None:
    """GetUser does not tell groups: unknown is not "none"."""
    stub.add_response("get_user", {"User": BOB}, ASKED)
    found = Iam(lambda: iam).user("bob")
    assert isinstance(found, User)
    assert found.groups is None


def test_a_user_gone_costs_one_call(iam: IAMClient, stub: Stubber) -> None:
    """ListGroupsForUser says so itself."""
    stub.add_client_error("list_groups_for_user", "NoSuchEntity", http_status_code=404)
    assert Iam(lambda: iam).look("bob") == NoSuchUser()


def test_a_user_gone_between_the_calls_is_gone(iam: IAMClient, stub: Stubber) -> None:
    """Deleted after its groups were listed: there is nobody to alert about."""
    page(stub)
    stub.add_client_error("get_user", "NoSuchEntity", http_status_code=404)
    assert Iam(lambda: iam).look("bob") == NoSuchUser()


def test_asking_for_a_user_who_is_gone(iam: IAMClient, stub: Stubber) -> None:
    """No such user is an answer."""
    stub.add_client_error("get_user", "NoSuchEntity", http_status_code=404)
    assert Iam(lambda: iam).user("bob") == NoSuchUser()


FAILURES = [
    ("Throttling", 400),
    ("RequestLimitExceeded", 503),
    ("AccessDenied", 403),
    ("ExpiredToken", 403),
    ("ServiceFailure", 500),
    ("ServiceUnavailable", 503),
    ("NoSuchEntityish", 404),
    ("404", 404),
]


@pytest.mark.parametrize(("code", "status"), FAILURES)
def test_a_refused_list_is_no_answer(iam: IAMClient, stub: Stubber, code: str, status: int) -> None:
    """Throttled, denied or broken: raised, never "no groups" and never "gone"."""
    stub.add_client_error("list_groups_for_user", code, http_status_code=status)
    with pytest.raises(ClientError, match=code):
        Iam(lambda: iam).look("bob")


@pytest.mark.parametrize(("code", "status"), FAILURES)
def test_a_refused_second_page_is_no_answer(
    iam: IAMClient, stub: Stubber, code: str, status: int
) -> None:
    """The user may be in a group on the page that could not be read."""
    page(stub, marker="m1")
    stub.add_client_error("list_groups_for_user", code, http_status_code=status)
    with pytest.raises(ClientError, match=code):
        Iam(lambda: iam).look("bob")


@pytest.mark.parametrize(("code", "status"), FAILURES)
def test_a_refused_get_user_is_no_answer(
    iam: IAMClient, stub: Stubber, code: str, status: int
) -> None:
    """A stray that cannot be named is looked at again, not passed over."""
    page(stub)
    stub.add_client_error("get_user", code, http_status_code=status)
    with pytest.raises(ClientError, match=code):
        Iam(lambda: iam).look("bob")


@pytest.mark.parametrize("timeout", [ReadTimeoutError, ConnectTimeoutError])
def test_silence_is_no_answer(timeout: type[ReadTimeoutError | ConnectTimeoutError]) -> None:
    """What IAM did not say in time is not known."""

    def answer(_: object) -> tuple[int, bytes]:
        raise timeout(endpoint_url="https://iam.amazonaws.com")

    with pytest.raises(timeout):
        Iam(lambda: answering("iam", answer)).look("bob")


def groups_page(content: str) -> bytes:
    """A page as IAM writes it."""
    result = f"<ListGroupsForUserResult>{content}</ListGroupsForUserResult>"
    return f"<ListGroupsForUserResponse>{result}</ListGroupsForUserResponse>".encode()


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        (b"", ResponseParserError),
        (groups_page("<Groups/><IsTruncated>false</IsTruncated>")[:60], ResponseParserError),
        (b"<html><body>proxy</body></html>", KeyError),
        (b"{}", ResponseParserError),
        (groups_page(""), IncompleteAnswerError),
        (groups_page("<Groups/>"), IncompleteAnswerError),
        (groups_page("<IsTruncated>false</IsTruncated>"), IncompleteAnswerError),
        (groups_page("<Groups/><IsTruncated>true</IsTruncated>"), IncompleteAnswerError),
    ],
)
def test_half_a_page_is_no_answer(body: bytes, refusal: type[Exception]) -> None:
    """Broken off, or more to come with no way to ask for it: what was not seen is not "none"."""
    with pytest.raises(refusal):
        Iam(lambda: answering("iam", lambda _: (200, body))).look("bob")


def test_the_whole_way_on_an_aws_in_memory() -> None:
    """In no group, in one, gone: each is told apart by the real calls."""
    with mock_aws():
        made = client("iam")
        made.create_user(UserName="bob")
        made.create_group(GroupName="nurses")
        assert isinstance(Iam(lambda: made).look("bob"), InNoGroup)
        made.add_user_to_group(UserName="bob", GroupName="nurses")
        assert Iam(lambda: made).look("bob") == InGroups(("nurses",))
        assert Iam(lambda: made).look("nobody") == NoSuchUser()
