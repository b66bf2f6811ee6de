"""Reading accounts for an audit: from moto, and from a stub where AWS misbehaves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws
from mypy_boto3_cloudtrail import CloudTrailClient
from mypy_boto3_iam import IAMClient

from chalicelib.domain.account import Account
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.exemptions import Exemptions, Rule
from chalicelib.domain.severity import Severity
from straywatch.audit.reading import Door, Question, read_account
from straywatch.audit.report import AccountResult, AuditedUser

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ACCOUNT = Account("aws", "123456789012")
ADMIN = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
DETAILS = "get_account_authorization_details"
SESSION = boto3.Session(
    aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
)
LOCAL = "arn:aws:iam::123456789012:policy/local"


@pytest.fixture
def iam() -> IAMClient:
    """A client; who answers it is the test's choice."""
    return SESSION.client("iam")


@pytest.fixture
def stub(iam: IAMClient) -> Iterator[Stubber]:
    """Answers for the client, every one of which must be asked for."""
    with Stubber(iam) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


class Naps:
    """A sleep that only counts."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def __call__(self, seconds: float) -> None:
        """Note how long it would have slept."""
        self.taken.append(seconds)


def read(iam: IAMClient, cloudtrail: CloudTrailClient | None = None, **asked: Any) -> AccountResult:
    """Read the account that `iam` stands for."""
    trail = cloudtrail or SESSION.client("cloudtrail")
    door = Door("test", ACCOUNT, lambda: iam, lambda: trail)
    return read_account(door, Question(**{"now": NOW, "sleep": Naps(), **asked}))


def by_name(result: AccountResult) -> dict[str, AuditedUser]:
    """The users by their names."""
    return {user.name: user for user in result.users}


def detail(name: str, *groups: str, **more: Any) -> dict[str, Any]:
    """A user as IAM describes it."""
    return {
        "UserId": f"AIDA{name.encode().hex():0>16}",
        "UserName": name,
        "Arn": f"arn:aws:iam::123456789012:user/{name}",
        "Path": "/",
        "CreateDate": NOW - timedelta(days=30),
        "GroupList": list(groups),
        **more,
    }


def page(stub: Stubber, *users: dict[str, Any], marker: str = "") -> None:
    """Queue one page of users."""
    more = {"IsTruncated": True, "Marker": marker} if marker else {"IsTruncated": False}
    stub.add_response(DETAILS, {"UserDetailList": list(users), **more})


def credential_csv(*rows: str) -> dict[str, Any]:
    """A credential report of these rows."""
    head = "user,user_creation_time,password_enabled,mfa_active,access_key_1_active,"
    head += "access_key_1_last_rotated,access_key_2_active\n"
    content = head + "\n".join(rows)
    return {"Content": content.encode(), "GeneratedTime": NOW - timedelta(hours=2)}


def test_members_strays_and_exempt_users_are_told_apart() -> None:
    """In a group, in none, and exempt by pattern or by tag."""
    rules = Exemptions((Rule("name", "ci-*", "robots"),))
    with mock_aws():
        client = SESSION.client("iam")
        client.create_group(GroupName="staff")
        for name in ("mia", "stan", "ci-robot"):
            client.create_user(UserName=name)
        client.create_user(UserName="tess", Tags=[{"Key": "straywatch:exempt", "Value": "T-1"}])
        client.add_user_to_group(GroupName="staff", UserName="mia")
        client.put_user_policy(UserName="stan", PolicyName="all", PolicyDocument=json.dumps(ADMIN))
        client.create_access_key(UserName="stan")
        found = read(client, exemptions=rules)
    users = by_name(found)
    assert {name: user.status for name, user in users.items()} == {
        "mia": "in groups",
        "stan": "stray",
        "ci-robot": "exempt",
        "tess": "exempt",
    }
    stan = users["stan"]
    assert stan.risk is not None
    assert stan.risk.severity is Severity.CRITICAL
    assert stan.inline_policies == ("all",)
    assert (stan.since, stan.since_source) == (stan.created_at, "creation")
    assert found.missing == ()
    assert found.credentials_as_of is not None


def test_an_exempt_user_is_never_compliant() -> None:
    """Not even while in a group."""
    rules = Exemptions((Rule("name", "*", "all are"),))
    with mock_aws():
        client = SESSION.client("iam")
        client.create_group(GroupName="staff")
        client.create_user(UserName="mia")
        client.add_user_to_group(GroupName="staff", UserName="mia")
        found = read(client, exemptions=rules)
    assert [user.evaluation for user in found.users] == [Evaluation.NOT_APPLICABLE]


def test_five_thousand_users_take_five_calls_and_risk_four_more(
    iam: IAMClient, stub: Stubber
) -> None:
    """Nine calls in all: five pages, the policies of strays, and the report ordered and fetched."""
    for number in range(5):
        users = [detail(f"u{number}x{each}", "staff") for each in range(999)]
        attached = [{"PolicyName": "local", "PolicyArn": LOCAL}]
        users.append(detail(f"stray{number}", AttachedManagedPolicies=attached))
        page(stub, *users, marker=f"m{number}" if number < 4 else "")
    stub.add_response("generate_credential_report", {"State": "STARTED"})
    version = {"Document": json.dumps(ADMIN), "VersionId": "v1", "IsDefaultVersion": True}
    policy = {"PolicyName": "local", "Arn": LOCAL, "PolicyVersionList": [version]}
    stub.add_response(DETAILS, {"Policies": [policy], "IsTruncated": False})
    stub.add_client_error("get_credential_report", "ReportInProgress")
    created = (NOW - timedelta(days=30)).isoformat()
    rows = [f"stray{number},{created},false,false,false,N/A,false" for number in range(5)]
    stub.add_response("get_credential_report", credential_csv(*rows))
    found = read(iam)
    strays = [user for user in found.users if user.risk]
    assert len(found.users) == 5000
    assert [user.risk and user.risk.severity for user in strays] == [Severity.HIGH] * 5
    assert found.missing == ()
    assert found.credentials_as_of == NOW - timedelta(hours=2)


def test_without_strays_no_risk_is_asked_for(iam: IAMClient, stub: Stubber) -> None:
    """A clean account costs its pages and nothing else."""
    page(stub, detail("mia", "staff"))
    assert read(iam).missing == ()


def test_a_page_that_is_refused_leaves_what_was_seen_and_says_what_is_missing(
    iam: IAMClient, stub: Stubber
) -> None:
    """Half an account is told as half an account."""
    page(stub, detail("mia", "staff"), detail("max", "staff"), marker="m")
    stub.add_client_error(DETAILS, "AccessDenied", "no")
    found = read(iam)
    assert len(found.users) == 2
    assert found.missing == (
        "users after the first 2: access denied on GetAccountAuthorizationDetails: no",
    )


def test_throttling_is_never_taken_for_an_empty_account(iam: IAMClient, stub: Stubber) -> None:
    """An account of which nothing could be read has no users, and says that all are missing."""
    stub.add_client_error(DETAILS, "Throttling", "slow down")
    found = read(iam)
    assert found.users == ()
    assert found.missing[0].startswith("all users: AWS throttles")


def test_a_user_whose_groups_were_not_told_is_missing_not_stray(
    iam: IAMClient, stub: Stubber
) -> None:
    """Unknown groups are no evaluation."""
    silent = detail("sam")
    del silent["GroupList"]
    page(stub, silent)
    found = read(iam)
    assert found.users == ()
    assert found.missing == ("the groups of sam: IAM did not tell them",)


def test_a_refused_credential_report_leaves_credentials_unknown(
    iam: IAMClient, stub: Stubber
) -> None:
    """The stray is listed, judged by the worst, and the gap is named with the way around it."""
    page(stub, detail("stan"))
    stub.add_client_error("generate_credential_report", "AccessDenied", "no")
    found = read(iam)
    risk = found.users[0].risk
    assert risk is not None
    assert risk.unknown == ("console password", "access keys")
    assert found.missing == (
        "credential report (--no-risk does without): access denied on GenerateCredentialReport: no",
    )


def test_a_report_that_never_comes_is_said_after_a_minute(iam: IAMClient, stub: Stubber) -> None:
    """The audit waits a bounded time for AWS to write the report, then says it is missing."""
    page(stub, detail("stan"))
    stub.add_response("generate_credential_report", {"State": "STARTED"})
    for _ in range(10):
        stub.add_client_error("get_credential_report", "ReportInProgress")
    naps = Naps()
    found = read(iam, sleep=naps)
    assert 50 < sum(naps.taken) <= 60
    assert "still writing" in found.missing[0]


def test_no_risk_asks_for_none(iam: IAMClient, stub: Stubber) -> None:
    """With --no-risk a stray costs nothing and has no severity."""
    page(stub, detail("stan"))
    assert read(iam, risk=False).users[0].risk is None


def removal(name: str, day: int, **more: Any) -> dict[str, Any]:
    """A record of CloudTrail as lookup-events hands it out."""
    record = {"requestParameters": {"userName": name, "groupName": "staff"}, **more}
    time = datetime(2026, 11, day, tzinfo=UTC)
    return {"EventTime": time, "CloudTrailEvent": json.dumps(record)}


@pytest.fixture
def trail() -> Iterator[tuple[CloudTrailClient, Stubber]]:
    """CloudTrail, and what it will answer."""
    client = SESSION.client("cloudtrail")
    with Stubber(client) as stubber:
        yield client, stubber
        stubber.assert_no_pending_responses()


Trail = tuple[CloudTrailClient, Stubber]


def test_history_tells_the_last_removal(iam: IAMClient, stub: Stubber, trail: Trail) -> None:
    """Newest first, whatever the case of the name; failed calls and others do not count."""
    client, answers = trail
    page(stub, detail("stan"), detail("olga"))
    first = [removal("STAN", 20, errorCode="AccessDenied"), removal("other", 19)]
    answers.add_response("lookup_events", {"Events": first, "NextToken": "t"})
    second = [removal("Stan", 18), removal("stan", 17)]
    answers.add_response("lookup_events", {"Events": second})
    naps = Naps()
    users = by_name(read(iam, client, risk=False, history=True, sleep=naps))
    assert (users["stan"].since, users["stan"].since_source) == (
        datetime(2026, 11, 18, tzinfo=UTC),
        "removal",
    )
    assert users["olga"].since_source == "creation"
    assert naps.taken == [0.5]


def test_history_ends_when_every_stray_is_dated(
    iam: IAMClient, stub: Stubber, trail: Trail
) -> None:
    """No page is asked for that could tell nothing more."""
    client, answers = trail
    page(stub, detail("stan"))
    answers.add_response("lookup_events", {"Events": [removal("stan", 18)], "NextToken": "t"})
    found = read(iam, client, risk=False, history=True)
    assert found.users[0].since_source == "removal"


def test_a_removal_from_before_the_creation_is_a_namesakes(
    iam: IAMClient, stub: Stubber, trail: Trail
) -> None:
    """A user created again under the same name is a stray since then, not since before."""
    client, answers = trail
    page(stub, detail("stan", CreateDate=datetime(2026, 11, 19, tzinfo=UTC)))
    answers.add_response("lookup_events", {"Events": [removal("stan", 18)]})
    found = read(iam, client, risk=False, history=True)
    assert found.users[0].since_source == "creation"


@pytest.mark.parametrize("record", ["{", "{}", "[]", "null", '{"requestParameters": null}'])
def test_a_record_that_cannot_be_read_is_said(
    iam: IAMClient, stub: Stubber, trail: Trail, record: str
) -> None:
    """A broken history leaves the creation as the date and the audit incomplete."""
    client, answers = trail
    page(stub, detail("stan"))
    event = {"EventTime": NOW, "CloudTrailEvent": record}
    answers.add_response("lookup_events", {"Events": [event]})
    found = read(iam, client, risk=False, history=True)
    assert found.users[0].since_source == "creation"
    assert found.missing[0].startswith("history of removals: ")


def test_progress_counts_users_as_pages_come(iam: IAMClient, stub: Stubber) -> None:
    """The bar moves by whole pages."""
    page(stub, detail("a", "g"), detail("b", "g"), marker="m")
    page(stub, detail("c", "g"))
    counted: list[int] = []
    door = Door("test", ACCOUNT, lambda: iam, lambda: SESSION.client("cloudtrail"))
    read_account(door, Question(now=NOW), counted.append)
    assert counted == [2, 1]


def test_a_user_on_two_pages_is_one_user(iam: IAMClient, stub: Stubber) -> None:
    """IAM's pages may overlap while users come and go."""
    page(stub, detail("stan"), marker="m")
    page(stub, detail("stan"))
    assert len(read(iam, risk=False).users) == 1
