"""The functions' policies as files: named actions, named resources, nothing for nobody."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from parliament import analyze_policy_string

from straywatch.deploy.template import assemble

CHALICE = Path(__file__).resolve().parents[2] / ".chalice"
CONFIG = json.loads((CHALICE / "config.json").read_text())["stages"]["dev"]
RESOURCES = assemble()["Resources"]
FUNCTIONS = sorted(CONFIG["lambda_functions"])

WHOLE_ACCOUNT = {
    "iam:GenerateCredentialReport",
    "iam:GetAccountAuthorizationDetails",
    "iam:GetCredentialReport",
    "iam:ListAccountAliases",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
}
"""Actions that know no resource (Service Authorization Reference, IAM and Organizations), or whose
resources are every root and unit that there is."""

_KINDS = {
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:123456789012:{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:123456789012:{}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:123456789012:table/{}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:123456789012:key/{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:123456789012:log-group:{}:*",
}
_PARAMETERS = {
    "AlertKeyArn": "arn:aws:kms:us-east-1:123456789012:key/ours",
    "FindingEventBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/security",
    "PagerDutySecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:pager-AbCdEf",
}

_TEXTS = {"MemberRoleName": "straywatch-member", "OrganizationId": "o-a1b2c3d4e5"}
_MANY = re.compile(
    r"arn:aws:(iam::\*:role/straywatch-member|organizations::\*:account/o-a1b2c3d4e5/\*)"
)
"""Of each member the one role of that name; each account of this organization."""


def resolved(resource: Any) -> Any:
    """A resource as CloudFormation would resolve it, in an account of documentation."""
    if isinstance(resource, list):
        return [resolved(each) for each in resource]
    if isinstance(resource, str):
        return resource
    if "Fn::Sub" in resource:
        text: str = resource["Fn::Sub"]
        for name in RESOURCES:
            text = text.replace(f"${{{name}.Arn}}", _arn(name))
        samples = {"Partition": "aws", "Region": "us-east-1", "AccountId": "123456789012"}
        for name, value in (samples | {"StackName": "straywatch"}).items():
            text = text.replace(f"${{AWS::{name}}}", value)
        for name, value in _TEXTS.items():
            text = text.replace(f"${{{name}}}", value)
        return text
    if "Fn::If" in resource:
        return [resolved(each) for each in resource["Fn::If"][1:]]
    name = resource["Ref"] if "Ref" in resource else resource["Fn::GetAtt"][0]
    return _PARAMETERS[name] if name in _PARAMETERS else _arn(name)


def _arn(name: str) -> str:
    return _KINDS.get(RESOURCES[name]["Type"], "{}").format(name)


def statements(function: str) -> list[dict[str, Any]]:
    """What a function's policy file grants, also where there is an organization alone."""
    path = CHALICE / CONFIG["lambda_functions"][function]["iam_policy_file"]
    found: list[dict[str, Any]] = json.loads(path.read_text())["Statement"]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in found]


def test_every_function_has_a_policy_of_its_own() -> None:
    """Chalice's generated policies miss clients: they are off, and nothing is shared."""
    assert CONFIG["autogen_policy"] is False
    files = [CONFIG["lambda_functions"][function]["iam_policy_file"] for function in FUNCTIONS]
    assert len(set(files)) == len(files)
    assert {path.name for path in CHALICE.glob("policy-*.json")} == set(files)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_actions_are_named_one_by_one(function: str) -> None:
    """No wildcard, and no action twice on the same resource."""
    granted = [
        (action, json.dumps(statement["Resource"]))
        for statement in statements(function)
        for action in statement["Action"]
    ]
    assert [action for action, _ in granted if "*" in action or "?" in action] == []
    assert len(set(granted)) == len(granted)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_allows(function: str) -> None:
    """Every statement allows, and says what for."""
    assert all(statement["Effect"] == "Allow" for statement in statements(function))
    sids = [statement["Sid"] for statement in statements(function)]
    assert len(set(sids)) == len(sids)


def test_each_statement_has_its_reason_in_the_docs() -> None:
    """JSON takes no comments: docs/template.md says why, and of no statement that is gone."""
    page = (CHALICE.parent / "docs" / "template.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(\w+)` \| \w", page, re.MULTILINE)
    granted = {each["Sid"] for function in FUNCTIONS for each in statements(function)}
    assert sorted(explained) == sorted(granted)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_function_changes_iam(function: str) -> None:
    """The monitor reads IAM; whoever gets hold of it gets no way to change it."""
    actions = {a for statement in statements(function) for a in statement["Action"]}
    reads = ("iam:Get", "iam:List", "iam:GenerateCredentialReport")
    assert [a for a in actions if a.startswith("iam:") and not a.startswith(reads)] == []


@pytest.mark.parametrize("function", FUNCTIONS)
def test_resources_are_as_narrow_as_they_can_be(function: str) -> None:
    """All resources only where an action knows none; else the stack's own, or IAM's users."""
    for statement in statements(function):
        resource = resolved(statement["Resource"])
        listed = resource if isinstance(resource, list) else [resource]
        if "*" in listed:
            assert set(statement["Action"]) <= WHOLE_ACCOUNT
        else:
            assert [each for each in listed if not _is_narrow(each)] == []


def _is_narrow(arn: str) -> bool:
    """Whether an ARN names one thing, or the users and policies that a stray may have."""
    of_iam = arn.startswith("arn:aws:iam::123456789012:") and arn.endswith((":user/*", ":policy/*"))
    of_log = arn.startswith("arn:aws:logs:") and arn.endswith(":*")
    return of_iam or of_log or bool(_MANY.fullmatch(arn)) or "*" not in arn


@pytest.mark.parametrize("function", FUNCTIONS)
def test_parliament_has_nothing_to_say(function: str) -> None:
    """Every action exists, and fits the resources that it is granted on."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            statement | {"Resource": resolved(statement["Resource"])}
            for statement in statements(function)
        ],
    }
    findings = analyze_policy_string(json.dumps(document)).findings
    assert [str(finding) for finding in findings] == []
