"""What the remediation commands read from IAM: paged, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from chalicelib.adapters.credential_report import CredentialReport, parse
from chalicelib.adapters.iam_pages import IncompleteAnswerError
from chalicelib.domain.account import Account
from straywatch.errors import StraywatchError
from straywatch.remediation.applying.simulation import simulate
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.reading.credentials import is_idle, read_credentials
from straywatch.remediation.reading.last_accessed import POLLS, ServiceUse, read_service_use
from straywatch.remediation.reading.quotas import DEFAULTS, read_quotas
from straywatch.remediation.reading.snapshot import read_snapshot
from tests.unit.remediation.samples import account, allow, group, user

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACCOUNT = Account("aws", "123456789012")
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
DETAILS = "get_account_authorization_details"
ARN = "arn:aws:iam::123456789012:group/GG"


@contextmanager
def stubbed() -> Iterator[tuple[IAMClient, Stubber]]:
    """A client that answers what it is told to, and nothing else."""
    iam = boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )
    with Stubber(iam) as stub:
        yield iam, stub
        stub.assert_no_pending_responses()


def detail(name: str, **more: Any) -> dict[str, Any]:
    """A user of GetAccountAuthorizationDetails."""
    identifier = f"AIDA{name.upper():0>16}"
    path = f"arn:aws:iam::123456789012:user/{name}"
    return {
        "UserName": name,
        "UserId": identifier,
        "Arn": path,
        "Path": "/",
        "CreateDate": WHEN,
        "GroupList": [],
        "AttachedManagedPolicies": [],
        **more,
    }


def group_detail(name: str) -> dict[str, Any]:
    """A group of GetAccountAuthorizationDetails."""
    return {
        "GroupName": name,
        "GroupId": f"AGPA{name.upper():0>16}",
        "Arn": f"arn:aws:iam::123456789012:group/{name}",
        "Path": "/",
        "CreateDate": WHEN,
        "AttachedManagedPolicies": [],
    }


def page(*users: dict[str, Any], marker: str = "", **more: Any) -> dict[str, Any]:
    """One page of the answer."""
    lists = {"UserDetailList": list(users), "GroupDetailList": [], "Policies": []}
    return {**lists, "IsTruncated": bool(marker), **more} | ({"Marker": marker} if marker else {})


def test_every_page_is_read_even_after_an_empty_one() -> None:
    """Short and empty pages do not end the reading."""
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, page(detail("ann"), marker="1"))
        stub.add_response(
            DETAILS, page(marker="2"), {"Filter": ANY, "MaxItems": 1000, "Marker": "1"}
        )
        stub.add_response(DETAILS, page(detail("bob"), detail("Al")))
        assert [u.name for u in read_snapshot(iam, ACCOUNT).users] == ["Al", "ann", "bob"]


def test_a_page_that_fails_fails_the_snapshot() -> None:
    """A snapshot is never partial."""
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, page(detail("ann"), marker="1"))
        stub.add_client_error(DETAILS, "Throttling")
        with pytest.raises(ClientError):
            read_snapshot(iam, ACCOUNT)


@pytest.mark.parametrize("lacking", [{"IsTruncated": True}, {}])
def test_a_page_that_breaks_off_fails_the_snapshot(lacking: dict[str, bool]) -> None:
    """More to come and no word of where, or no word of whether: a plan on it would be a guess."""
    with stubbed() as (iam, stub):
        answer = {k: v for k, v in page(detail("ann")).items() if k != "IsTruncated"}
        stub.add_response(DETAILS, {**answer, **lacking})
        with pytest.raises(IncompleteAnswerError):
            read_snapshot(iam, ACCOUNT)


def test_an_account_that_repeats_a_page_fails_the_snapshot() -> None:
    """A list that goes round in circles ends with an error, not never."""
    with stubbed() as (iam, stub):
        for marker in ("1", "2", "1"):
            stub.add_response(DETAILS, page(marker=marker))
        with pytest.raises(IncompleteAnswerError, match="does not end"):
            read_snapshot(iam, ACCOUNT)


def test_a_user_whose_groups_are_not_told_fails_the_snapshot() -> None:
    """Such a user is not one in no group: a plan would act on what nobody said."""
    silent = detail("ann")
    del silent["GroupList"]
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, page(silent))
        with pytest.raises(StraywatchError, match="the groups of ann"):
            read_snapshot(iam, ACCOUNT)


@pytest.mark.parametrize("lacking", ["UserDetailList", "GroupDetailList", "Policies"])
def test_an_answer_without_one_of_its_lists_fails_the_snapshot(lacking: str) -> None:
    """What was not told is not "none": an account without groups would get new ones."""
    answer = page(detail("ann"))
    del answer[lacking]
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, answer)
        with pytest.raises(IncompleteAnswerError, match=lacking):
            read_snapshot(iam, ACCOUNT)


def test_who_comes_without_their_policies_fails_the_snapshot() -> None:
    """A user or group of whom IAM does not tell the policies is not one without any."""
    user_answer, group_answer = detail("ann"), group_detail("g")
    del user_answer["AttachedManagedPolicies"], group_answer["AttachedManagedPolicies"]
    for answer in (page(user_answer), page(GroupDetailList=[group_answer])):
        with stubbed() as (iam, stub):
            stub.add_response(DETAILS, answer)
            with pytest.raises(IncompleteAnswerError, match="AttachedManagedPolicies"):
                read_snapshot(iam, ACCOUNT)


def test_inline_documents_that_are_no_json_are_not_alike() -> None:
    """Each equals itself alone, and a plan leaves it where it is."""
    one, other = ({"PolicyName": "p", "PolicyDocument": text} for text in ("{broken", "{torn"))
    with stubbed() as (iam, stub):
        users = (detail("ann", UserPolicyList=[one]), detail("bob", UserPolicyList=[other]))
        stub.add_response(DETAILS, page(*users))
        snapshot = read_snapshot(iam, ACCOUNT)
    ann, bob = snapshot.users
    assert ann.inline_policies["p"] != bob.inline_policies["p"]
    assert [member.stays for member in make_plan(snapshot, Options()).users] == [("p",), ("p",)]


def test_policies_that_the_answer_lacks_are_read_by_themselves() -> None:
    """AWS managed policies and boundaries; one that IAM knows no more is unreadable, not empty."""
    attached = [
        {"PolicyName": name, "PolicyArn": f"arn:aws:iam::aws:policy/{name}"}
        for name in ("A", "Gone")
    ]
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, page(detail("ann", AttachedManagedPolicies=attached)))
        stub.add_response("get_policy", {"Policy": {"DefaultVersionId": "v3"}})
        text = json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]})
        stub.add_response(
            "get_policy_version", {"PolicyVersion": {"VersionId": "v3", "Document": text}}
        )
        stub.add_client_error("get_policy", "NoSuchEntity")
        found = read_snapshot(iam, ACCOUNT).policies
    assert found["arn:aws:iam::aws:policy/Gone"].document is None
    assert {g.effect for g in found["arn:aws:iam::aws:policy/Gone"].grants} == {"Opaque"}


def test_one_name_twice_is_a_change_while_reading() -> None:
    """Names that differ in case alone cannot both be there: the reading is repeated by hand."""
    with stubbed() as (iam, stub):
        stub.add_response(DETAILS, page(detail("ann"), detail("ANN", UserId="AIDAOTHER0000000")))
        with pytest.raises(StraywatchError, match="changed while"):
            read_snapshot(iam, ACCOUNT)


def test_quotas_come_from_the_account_or_are_marked_as_defaults() -> None:
    """A raised quota counts; a denied summary falls back to what is never too much."""
    with stubbed() as (iam, stub):
        stub.add_response("get_account_summary", {"SummaryMap": {"GroupsQuota": 500}})
        stub.add_client_error("get_account_summary", "AccessDenied")
        stub.add_client_error("get_account_summary", "Throttling")
        assert read_quotas(iam).groups == 500
        denied = read_quotas(iam)
        assert (denied.groups, denied.estimated) == (DEFAULTS.groups, True)
        with pytest.raises(ClientError):
            read_quotas(iam)


REPORT = (
    "user,arn,user_creation_time,password_enabled,password_last_used,access_key_1_active,"
    "access_key_1_last_used_date,access_key_2_active,access_key_2_last_used_date,cert_1_active,"
    "cert_2_active\n"
    "idle,arn:aws:iam::123456789012:user/idle,2026-01-02T00:00:00+00:00,false,N/A,false,N/A,false,"
    "N/A,false,false\n"
    "used,arn:aws:iam::123456789012:user/used,2026-01-02T00:00:00+00:00,false,no_information,false,"
    "2026-01-03T00:00:00+00:00,false,N/A,false,false\n"
    "again,arn:aws:iam::123456789012:user/again,2025-01-02T00:00:00+00:00,false,N/A,false,N/A,"
    "false,N/A,false,false\n"
)


def test_the_credential_report_is_awaited_and_taken_at_its_word() -> None:
    """Idle is who has no credentials and used none; an earlier user of the name tells nothing."""
    waits: list[float] = []
    with stubbed() as (iam, stub):
        stub.add_response("generate_credential_report", {"State": "STARTED"})
        stub.add_response("generate_credential_report", {"State": "COMPLETE"})
        stub.add_response(
            "get_credential_report", {"Content": REPORT.encode(), "GeneratedTime": WHEN}
        )
        report = read_credentials(iam, waits.append)
    assert len(waits) == 1
    assert report.generated_at == WHEN
    assert [is_idle(user(n), report) for n in ("idle", "used", "again", "unknown")] == [
        True,
        False,
        False,
        False,
    ]


def test_a_report_of_another_shape_shows_nobody_idle() -> None:
    """A column that is missing is not "no": nobody is to be deleted by what was not told."""
    head = REPORT.splitlines()[0].split(",")
    for column in head[3:]:
        kept = head.index(column)
        lines = [line.split(",") for line in REPORT.splitlines()]
        text = "\n".join(",".join(line[:kept] + line[kept + 1 :]) for line in lines)
        assert not is_idle(user("idle"), CredentialReport(WHEN, parse(text))), column


def test_last_accessed_details_are_polled_and_paged() -> None:
    """Every page counts; a job that runs is waited for."""
    waits: list[float] = []
    job = {"JobId": "j" * 36}
    dates = {"JobCreationDate": WHEN, "JobCompletionDate": WHEN}
    service = {"ServiceName": "S", "ServiceNamespace": "s3", "LastAuthenticated": WHEN}
    call = "get_service_last_accessed_details"
    with stubbed() as (iam, stub):
        stub.add_response("generate_service_last_accessed_details", job, {"Arn": ARN})
        stub.add_response(call, {"JobStatus": "IN_PROGRESS", "ServicesLastAccessed": [], **dates})
        more = {"IsTruncated": True, "Marker": "m"}
        stub.add_response(
            call, {"JobStatus": "COMPLETED", "ServicesLastAccessed": [service], **dates, **more}
        )
        other = {"ServiceName": "K", "ServiceNamespace": "kms"}
        stub.add_response(
            call, {"JobStatus": "COMPLETED", "ServicesLastAccessed": [other], **dates},
            {**job, "Marker": "m"},
        )  # fmt: skip
        assert read_service_use(iam, ARN, waits.append) == (
            ServiceUse("s3", WHEN),
            ServiceUse("kms", None),
        )
    assert len(waits) == 1


def test_last_use_of_single_actions_is_asked_for_and_read() -> None:
    """IAM tells it of the actions that it tracks; a time that is missing means no use."""
    tracked = [
        {"ActionName": "CreateBucket", "LastAccessedTime": WHEN},
        {"ActionName": "DeleteBucket"},
    ]
    service = {
        "ServiceName": "S", "ServiceNamespace": "s3", "LastAuthenticated": WHEN,
        "TrackedActionsLastAccessed": tracked,
    }  # fmt: skip
    answer = {
        "JobStatus": "COMPLETED", "ServicesLastAccessed": [service],
        "JobCreationDate": WHEN, "JobCompletionDate": WHEN,
    }  # fmt: skip
    with stubbed() as (iam, stub):
        stub.add_response(
            "generate_service_last_accessed_details",
            {"JobId": "j" * 36},
            {"Arn": ARN, "Granularity": "ACTION_LEVEL"},
        )
        stub.add_response("get_service_last_accessed_details", answer)
        found = read_service_use(iam, ARN, lambda _: None, actions=True)
    assert found[0].tracked(10, WHEN) == {"s3:createbucket": True, "s3:deletebucket": False}


@pytest.mark.parametrize("status", ["FAILED", "IN_PROGRESS"])
def test_last_accessed_details_that_fail_are_no_answer(status: str) -> None:
    """A failed or endless job raises: nothing counts as unused by it."""
    answer = {
        "JobStatus": status, "ServicesLastAccessed": [], "JobCreationDate": WHEN,
        "JobCompletionDate": WHEN, "Error": {"Message": "no", "Code": "X"},
    }  # fmt: skip
    with stubbed() as (iam, stub):
        stub.add_response("generate_service_last_accessed_details", {"JobId": "j" * 36})
        for _ in range(1 if status == "FAILED" else POLLS):
            stub.add_response("get_service_last_accessed_details", answer)
        with pytest.raises(StraywatchError, match=r"could not tell|in time"):
            read_service_use(iam, ARN, lambda _: None)


def test_a_simulation_that_breaks_off_is_no_decision() -> None:
    """What the simulator did not get to tell is not "as before"."""
    snapshot = account(user("ann", allow("s3:Get*")), group("Readers", allow("s3:Get*")))
    with stubbed() as (iam, stub):
        stub.add_response("simulate_custom_policy", {"EvaluationResults": [], "IsTruncated": True})
        with pytest.raises(IncompleteAnswerError):
            simulate(make_plan(snapshot, Options()), snapshot, iam, ["s3:GetObject"], resources=[])


def test_the_simulator_is_asked_about_before_and_now() -> None:
    """A decision that differs is listed, with what may explain it."""
    snapshot = account(user("ann", allow("s3:Get*")), group("Readers", allow("s3:Get*")))
    plan = make_plan(snapshot, Options())

    def decided(decision: str, **more: Any) -> dict[str, Any]:
        result = {
            "EvalActionName": "s3:GetObject",
            "EvalResourceName": "*",
            "EvalDecision": decision,
        }
        return {"EvaluationResults": [{**result, **more}], "IsTruncated": False}

    with stubbed() as (iam, stub):
        stub.add_response("simulate_custom_policy", decided("allowed"))
        stub.add_response(
            "simulate_principal_policy",
            decided("explicitDeny", OrganizationsDecisionDetail={"AllowedByOrganizations": False}),
        )
        found = simulate(plan, snapshot, iam, ["s3:GetObject"], resources=[])
    assert [(f.user, f.before, f.now, f.doubt) for f in found] == [
        ("ann", "allowed", "explicitDeny", "denied by the organization")
    ]
