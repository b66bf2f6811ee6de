"""A plan printed for other pipelines: CloudFormation that lints and does what apply would do."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import cfnlint.api
from moto import mock_aws

from chalicelib.domain.account import Account
from straywatch.remediation.applying.verification import verify
from straywatch.remediation.files.as_cli import as_cli
from straywatch.remediation.files.as_cloudformation import as_cloudformation
from straywatch.remediation.files.as_terraform import as_terraform
from straywatch.remediation.planning.plan import Options, Plan, PlannedGroup, PlannedUser
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.reading.snapshot import Snapshot
from tests.adapters.remediation_account import client, look, populate

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def deploy(iam: IAMClient, template: dict[str, Any]) -> None:
    """Do with the two resource types what CloudFormation documents; no emulator here knows them."""
    names: dict[str, str] = {}
    for identifier, resource in template["Resources"].items():
        properties = resource["Properties"]
        if resource["Type"] == "AWS::IAM::Group":
            name = names[identifier] = properties["GroupName"]
            iam.create_group(GroupName=name, Path=properties["Path"])
            for arn in properties.get("ManagedPolicyArns", []):
                iam.attach_group_policy(GroupName=name, PolicyArn=arn)
            for policy in properties.get("Policies", []):
                iam.put_group_policy(
                    GroupName=name,
                    PolicyName=policy["PolicyName"],
                    PolicyDocument=json.dumps(policy["PolicyDocument"]),
                )
        else:
            assert resource["Type"] == "AWS::IAM::UserToGroupAddition"
            group = properties["GroupName"]
            name = names[group["Ref"]] if isinstance(group, dict) else group
            for user in properties["Users"]:
                iam.add_user_to_group(GroupName=name, UserName=user)


@mock_aws
def test_template_lints_and_leads_to_the_planned_state() -> None:
    """cfn-lint has nothing to say, and once deployed every user is where the plan wants them."""
    populate(client())
    plan = make_plan(look(client()), Options())
    text = as_cloudformation(plan)
    serious = [m for m in cfnlint.api.lint_all(text) if m.rule.id[0] in "EW"]
    assert serious == []
    deploy(client(), json.loads(text))
    assert [finding.words() for finding in verify(plan, look(client())) if not finding.fine] == []


@mock_aws
def test_template_makes_nothing_in_another_account_and_takes_nothing_when_deleted() -> None:
    """Each resource is for the plan's account alone, and outlives its stack."""
    populate(client())
    template = json.loads(as_cloudformation(make_plan(look(client()), Options())))
    wanted = [{"Ref": "AWS::AccountId"}, "123456789012"]
    assert template["Conditions"] == {"IsAccountOfPlan": {"Fn::Equals": wanted}}
    for resource in template["Resources"].values():
        assert resource["Condition"] == "IsAccountOfPlan"
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"


@mock_aws
def test_terraform_checks_waits_and_reads_nothing_as_a_template() -> None:
    """Account and ids are checked; who joins waits for the policies; `${...}` stays IAM's."""
    populate(client())
    client().delete_group_policy(GroupName="Loggers", PolicyName="logs")
    text = as_terraform(make_plan(look(client()), Options(min_members=1)))
    assert 'condition     = self.account_id == "123456789012"' in text
    assert '"arn:aws:logs:*:*:$${aws:username}"' in text
    member = text[text.index('user_name = "bob"') :]
    identifier = member[member.index("self.user_id == ") :].split('"')[1]
    assert identifier == look(client()).user("bob").user_id  # type: ignore[union-attr] # he is there
    needed = re.search(r"depends_on = \[(.*)\]", member)
    assert needed is not None
    for address in needed[1].split(", "):
        kind, label = address.split(".")
        assert f'resource "{kind}" "{label}"' in text
    assert text.count("{") == text.count("}")


def test_logical_ids_are_unique_letters_and_digits() -> None:
    """Names that differ only in marks do not meet in one logical id."""
    groups = tuple(PlannedGroup(f"a{mark}b", create=True) for mark in "=+,.@-_")
    users = tuple(PlannedUser(f"u{n}", f"AIDA{n}", (g.name,)) for n, g in enumerate(groups))
    nobody = Snapshot(Account("aws", "123456789012"), (), (), {})
    plan = Plan(nobody, "strays", 0, 0, groups, users, ())
    resources = json.loads(as_cloudformation(plan))["Resources"]
    assert len(resources) == 14
    assert all(identifier.isalnum() for identifier in resources)


@mock_aws
def test_commands_look_and_wait_before_they_take_away() -> None:
    """Account, ids, groups and memberships are checked, and IAM gets its time."""
    populate(client())
    plan = make_plan(look(client()), Options())
    lines = as_cli(plan, detach_direct=True, settle=7).splitlines()

    def first(start: str) -> int:
        return next(n for n, line in enumerate(lines) if line.startswith(start))

    bob = "aws iam add-user-to-group --group-name=access-Read --user-name=bob"
    assert lines.count(bob) == 1
    order = ['[ "$(aws sts', "is_user -dash", "has_group access", bob, "sleep 7",
             "gives_attached access", "is_member -dash", "! holds_attached -dash"]  # fmt: skip
    assert [first(start) for start in order] == sorted(first(start) for start in order)
    assert not [
        line for line in as_cli(plan, detach_direct=False).splitlines() if "sleep 7" in line
    ]
