"""What a member gets, and how the hub's operator sees it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from parliament import analyze_policy_string

from chalicelib.codec import encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import CHANGES, rule_pattern
from chalicelib.domain.member_access import LOOKS
from chalicelib.domain.organization import Member
from chalicelib.flows.fan_out import Reading
from chalicelib.times import exact, iso
from straywatch.deploy.template_lint import lint
from straywatch.organization.member import HubSide, member_template
from straywatch.organization.status import OrganizationStatus, account_status
from tests.unit.records import NOW

CHALICE = Path(__file__).resolve().parents[2] / ".chalice"
HUB = HubSide(
    "o-a1b2c3d4e5",
    "arn:aws:events:us-east-1:123456789012:event-bus/straywatch-organization",
    (
        "arn:aws:iam::123456789012:role/straywatch-CheckMembershipRole-ABC",
        "arn:aws:iam::123456789012:role/straywatch-SweepAccountRole-DEF",
    ),
    "straywatch-member",
)
TEMPLATE = member_template(HUB)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
OTHER = Member(Account("aws", "222222222222"), "ward-north")
HOUR = timedelta(hours=1)


def policies(role: str) -> list[dict[str, Any]]:
    """What a role may do."""
    return [
        statement
        for policy in RESOURCES[role]["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_cfn_lint_has_nothing_to_say(tmp_path: Path) -> None:
    """As StackSets take it: a template of its own, with no transform and nothing to fill in."""
    path = tmp_path / "member.json"
    path.write_text(json.dumps(TEMPLATE))
    lint(path, "us-east-1")
    assert TEMPLATE.keys() == {"AWSTemplateFormatVersion", "Description", "Resources"}


def test_a_member_forwards_all_that_the_hub_listens_for_as_it_is() -> None:
    """To the hub's bus, by a role that can do nothing else; what is lost is kept."""
    rule = RESOURCES["Forward"]["Properties"]
    (target,) = rule["Targets"]
    assert rule["EventPattern"] == rule_pattern(tuple(CHANGES))
    assert target["Arn"] == HUB.bus_arn
    assert target.keys() == {"Id", "Arn", "RoleArn", "DeadLetterConfig", "RetryPolicy"}
    (grant,) = policies("ForwardRole")
    assert (grant["Action"], grant["Resource"]) == ("events:PutEvents", HUB.bus_arn)


def test_the_hub_may_only_read_and_nobody_else_may_do_even_that() -> None:
    """Its two roles by their exact ARNs, while they are of the organization."""
    role = RESOURCES["LookRole"]["Properties"]
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert trust["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": list(HUB.role_arns)},
        "StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"},
    }
    grants = policies("LookRole")
    granted = [action for grant in grants for action in grant["Action"]]
    assert sorted(granted) == sorted(LOOKS)
    reads = ("iam:Get", "iam:List", "iam:GenerateCred", "events:Describe", "events:List")
    assert all(action.startswith(reads) for action in granted)
    text = json.dumps({"Version": "2012-10-17", "Statement": grants})
    text = text.replace(
        '{"Fn::GetAtt": ["Forward", "Arn"]}',
        '"arn:aws:events:us-east-1:222222222222:rule/straywatch-member"',
    )
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace(
        "${AWS::AccountId}", "222222222222"
    )
    assert [str(finding) for finding in analyze_policy_string(text).findings] == []


@pytest.mark.parametrize("function", ["check_membership", "sweep_account"])
def test_the_role_grants_whatever_the_functions_read_of_their_own_account(function: str) -> None:
    """An action that is added for one account alone would be missing in all the others."""
    document = json.loads((CHALICE / f"policy-{function}.json").read_text())
    always = [each for each in document["Statement"] if "Action" in each]
    asked = {a for s in always for a in s["Action"] if a.startswith("iam:")}
    assert asked - {"iam:ListAccountAliases"} <= set(LOOKS)


def swept(at: Any = NOW) -> dict[str, Any]:
    """The document that a whole sweep leaves."""
    return {"sweep": {"finished_at": exact(at), "users": 5, "strays": 1}}


def test_an_account_that_was_swept_in_time_is_known() -> None:
    """And was heard of when its last event came."""
    status = account_status(OTHER, swept() | {"heard": {"at": exact(NOW)}}, NOW + HOUR, HOUR)
    assert (status.problem, status.users, status.strays) == ("", 5, 1)
    assert status.heard_at == status.swept_at == NOW


def test_an_account_that_was_never_swept_is_unknown() -> None:
    """What was not looked at is not fine, and has no number of strays, not even 0."""
    status = account_status(OTHER, {}, NOW, HOUR)
    assert (status.problem, status.strays) == ("not swept yet", None)


def test_an_account_that_was_swept_long_ago_is_unknown() -> None:
    """As the heartbeat counts it: an hour more than there should be between two."""
    status = account_status(OTHER, swept(), NOW + 2 * HOUR + timedelta(seconds=1), HOUR)
    assert status.problem == f"no whole sweep since {iso(NOW)}"


def test_an_account_that_forwards_no_longer_is_known_but_something_is_wrong_with_it() -> None:
    """Its sweeps still read it; what happens between them is not heard."""
    silent = Reading(NOW).failed(NOW, "its rule was deleted", 1)
    one = account_status(OTHER, swept() | {"forwarding": encode(silent)}, NOW, HOUR)
    assert one.is_readable
    assert one.problem == f"not heard since {iso(NOW)} or before: its rule was deleted"


def test_an_account_that_refuses_says_what_and_since_when() -> None:
    """However well its last sweep went."""
    failed = Reading(NOW).failed(NOW, "AssumeRole: AccessDenied", 3)
    documents = swept() | {"reading": encode(failed)}
    one = account_status(OTHER, documents, NOW, HOUR)
    assert one.problem == f"cannot be read since {iso(NOW)} (once): AssumeRole: AccessDenied"
    assert not one.is_readable
    healthy = account_status(OTHER, swept() | {"reading": encode(Reading(NOW))}, NOW, HOUR)
    assert healthy.problem == ""
    assert OrganizationStatus((one, healthy, healthy, healthy), ()).coverage == 75.0
    assert OrganizationStatus((), ()).coverage == 0.0
