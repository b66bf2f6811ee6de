"""`straywatch check` on moto's IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import boto3
import pytest
from mypy_boto3_iam import IAMClient

from chalicelib.adapters.iam import Iam
from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.account import Account, User
from chalicelib.domain.facts import Evidence, StraySince
from chalicelib.domain.findings import open_finding
from chalicelib.domain.severity import Severity
from chalicelib.times import utc_now
from tests.adapters.conftest import Straywatch
from tests.adapters.fake_endpoint import Answer, error, identity, result, serving
from tests.adapters.moto_stack import ACCOUNT_ID, moto_stack


@pytest.fixture
def stack(
    keys: dict[str, str], straywatch: Straywatch, monkeypatch: Any
) -> Iterator[Mapping[str, str]]:
    """A deployment, and an account with one user of each kind."""
    del straywatch  # it cleans the environment first
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with moto_stack() as outputs:
        iam: IAMClient = boto3.client("iam")
        iam.create_group(GroupName="dev")
        for name in ("member", "stray", "tagged", "ci-robot"):
            iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="dev", UserName="member")
        iam.tag_user(UserName="tagged", Tags=[{"Key": "straywatch:exempt", "Value": "robot"}])
        yield outputs


def evaluations(out: str) -> dict[str, str | None]:
    """Each user's evaluation, from JSON."""
    return {each["user_name"]: each["evaluation"] for each in json.loads(out)["users"]}


@pytest.mark.usefixtures("stack")
def test_a_user_id_is_as_good_as_a_name(straywatch: Straywatch) -> None:
    """What a finding or an alert shows can be asked about; an id that nobody has is GONE."""
    from moto.iam.models import iam_backends  # noqa: PLC0415 - only while moto is on

    stray = "AIDAQ3EGSEXAMPLESTRAY"  # moto's own ids do not look like IAM's
    users = iam_backends[ACCOUNT_ID]["aws"].users.values()
    next(user for user in users if user.name == "stray").id = stray
    said = straywatch("check", stray, "AIDA0000000000000000", "--format", "json")
    assert evaluations(said.out) == {"stray": "NON_COMPLIANT", "AIDA0000000000000000": "GONE"}
    assert said.code == 1


@pytest.mark.usefixtures("stack")
def test_each_user_gets_its_evaluation_and_the_reason(straywatch: Straywatch) -> None:
    """Exit 1, since one is a stray."""
    said = straywatch("check", "member", "stray", "tagged", "nobody")
    assert said.code == 1
    for part in ("member: COMPLIANT\n  in dev", "stray: NON_COMPLIANT\n  in no group",
                 "tagged: NOT_APPLICABLE", "exempt by tag straywatch:exempt: robot, without end",
                 f"nobody: GONE\n  account {ACCOUNT_ID} has no user of this name"):  # fmt: skip
        assert part in said.out


@pytest.mark.usefixtures("stack")
def test_no_stray_is_fine(straywatch: Straywatch) -> None:
    """Who is gone or exempt is none."""
    said = straywatch("check", "member", "tagged", "nobody", "--format", "json")
    assert said.code == 0
    assert evaluations(said.out) == {
        "member": "COMPLIANT", "tagged": "NOT_APPLICABLE", "nobody": "GONE"
    }  # fmt: skip


@pytest.mark.usefixtures("stack")
def test_the_deployments_configuration_exempts(straywatch: Straywatch) -> None:
    """And while a broken one is refused, the last good one does."""
    rules = {"version": 1, "exemptions": [{"name": "ci-*", "reason": "robots"}]}
    assert straywatch("check", "ci-robot").code == 1
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/straywatch/config", Value=json.dumps(rules), Type="String")
    assert straywatch("check", "ci-robot").code == 0
    ssm.put_parameter(Name="/straywatch/config", Value="broken", Type="String", Overwrite=True)
    said = straywatch("check", "ci-robot")
    assert said.code == 1  # nobody has stored a good one here: the monitor does, at its first look
    assert "the last good one is in force" in said.err


@pytest.mark.usefixtures("stack")
def test_a_file_exempts_in_the_place_of_the_deployment(
    straywatch: Straywatch, tmp_path: Any
) -> None:
    """So that a document can be tried before it is put in force."""
    file = tmp_path / "rules.json"
    file.write_text('{"version": 1, "exemptions": [{"name": "stray", "reason": "a try"}]}')
    assert straywatch("check", "stray", "--exemptions", file).code == 0
    file.write_text("broken")
    said = straywatch("check", "stray", "--exemptions", file)
    assert (said.code, said.is_one_clear_line) == (2, True)


def test_an_open_finding_is_named(straywatch: Straywatch, stack: Mapping[str, str]) -> None:
    """With the deployment's own word on since when."""
    user = Iam(lambda: boto3.client("iam")).user("stray")
    assert isinstance(user, User)
    table = FindingsTable(boto3.client("dynamodb"), stack["FindingsTableName"], timedelta(1))
    since = StraySince(utc_now() - timedelta(hours=30), Evidence.EVENT)
    finding = open_finding(
        Account("aws", ACCOUNT_ID), user, since, number=1, now=utc_now(),
        severity=Severity.LOW, risk="-", detected_by="event", cause=None, flaps=0,
    )  # fmt: skip
    table.add(finding)
    said = straywatch("check", "stray", "--format", "json")
    told = json.loads(said.out)["users"][0]
    assert told["open_finding"] == finding.finding_id
    assert told["evidence"] == "event"


def test_without_a_deployment_only_tags_exempt(
    straywatch: Straywatch, stack: Mapping[str, str]
) -> None:
    """That is said, and the look is as good; a stage that is not there is an error."""
    boto3.client("cloudformation").delete_stack(StackName="straywatch")
    said = straywatch("check", "stray")
    assert (said.code, "only tags exempt" in said.err) == (1, True)
    assert straywatch("check", "stray", "--stage", "x").code == 3
    assert stack


@pytest.mark.parametrize("names", [(), ("a b",), ("",), ("x\x1b[31m",), ("ann", "--no")])
def test_wrong_use_is_one_line_and_exit_2(straywatch: Straywatch, names: tuple[str, ...]) -> None:
    """Before AWS is asked anything."""
    said = straywatch("check", *names)
    assert said.code == 2
    assert said.is_one_clear_line, said.err


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (error(403, "AccessDenied", "not yours"), "access denied on ListGroupsForUser"),
        (
            result("ListGroupsForUser", "<Groups/><IsTruncated>true</IsTruncated>"),
            "IAM's answer is not whole",
        ),
    ],
    ids=["denied", "broken off"],
)
def test_a_look_that_fails_is_no_evaluation(
    straywatch: Straywatch, keys: dict[str, str], answer: Answer, why: str
) -> None:
    """Whoever is denied, or told half, hears so in one line for each user, and exit 3."""

    def respond(action: str, sent: dict[str, str]) -> tuple[int, str]:
        if action == "GetCallerIdentity":
            return identity()
        if action == "DescribeStacks":
            return error(400, "ValidationError", "Stack straywatch does not exist")
        assert sent["UserName"] == "ann"
        return answer

    with serving(respond) as endpoint:
        said = straywatch("check", "ann", "--format", "json", **keys, AWS_ENDPOINT_URL=endpoint)
    assert said.code == 3
    told = json.loads(said.out)["users"][0]
    assert (told["evaluation"], why in told["error"]) == (None, True)
