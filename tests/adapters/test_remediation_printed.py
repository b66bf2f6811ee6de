"""A plan printed for other pipelines: CloudFormation that lints and does what apply would do."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import cfnlint.api
from moto import mock_aws

from chalicelib.domain.account import Account
from straywatch.remediation.applying.verification import verify
from straywatch.remediation.files.as_cli import as_cli
from straywatch.remediation.files.as_cloudformation import as_cloudformation
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
def test_commands_quote_every_name_and_document() -> None:
    """Each line splits in the shell into what the AWS CLI needs; names never read as options."""
    populate(client())
    plan = make_plan(look(client()), Options())
    lines = [shlex.split(x) for x in as_cli(plan, detach_direct=True).splitlines() if x[0] != "#"]
    commands = [words for words in lines if words[:2] == ["aws", "iam"]]
    assert len(commands) == len(lines) - 1  # all but `set -eu`
    options = [word for words in commands for word in words[3:]]
    assert all(option.startswith("--") and "=" in option for option in options)
    assert "--user-name=-dash" in options
    assert "--user-name=a=b,c.d@e+f-_" in options
    documents = [o.partition("=")[2] for o in options if o.startswith("--policy-document=")]
    assert all(json.loads(document)["Statement"] for document in documents)
    assert documents
