"""What CloudFormation makes of the packaged template: its resources under their names in AWS."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from chalicelib.domain.account import Account
from straywatch.deploy.deployment import locate_code
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.plain_template import transformed
from straywatch.doctor.checkout import read_package
from straywatch.doctor.expressions import ARNS, Expressions, expressions
from straywatch.doctor.world import Checkout

ACCOUNT = Account("aws", "123456789012")
REGION = "us-east-1"
STACK = "straywatch"

STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT.account_id}:stack/{STACK}/5ba85542"

_HERE = f"{REGION}:{ACCOUNT.account_id}"
_REFS = {
    "AWS::SNS::Subscription": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT.account_id}/{{}}",
}
"""What `Ref` gives where it is not the name itself, by type. Source: each type's return values."""

_PSEUDO = {
    "AWS::AccountId": ACCOUNT.account_id,
    "AWS::Partition": ACCOUNT.partition,
    "AWS::Region": REGION,
    "AWS::StackId": STACK_ID,
    "AWS::StackName": STACK,
}


@dataclass(frozen=True)
class Made:
    """A resource of the stack: `ref` is its physical id, the properties have no expression left."""

    logical_id: str
    type: str
    name: str
    ref: str
    arn: str
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class DeployedTemplate:
    """What the packaged template is once it is deployed."""

    resources: tuple[Made, ...]
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    given: Mapping[str, Any]
    processed: Mapping[str, Any]

    def of_type(self, resource_type: str) -> Iterator[Made]:
        """The resources of a type."""
        return (made for made in self.resources if made.type == resource_type)


def deployed(**parameters: str) -> DeployedTemplate:
    """Deploy the packaged template with these parameters, and the template's own for the rest."""
    return _deployed(frozenset(parameters.items()))


@cache
def _deployed(parameters: frozenset[tuple[str, str]]) -> DeployedTemplate:
    given, processed, _ = _packaged()
    template = json.loads(processed)
    declared = template["Parameters"]
    unknown = dict(parameters).keys() - declared.keys()
    assert not unknown, f"the template has no parameter {unknown}"
    chosen = {name: str(each["Default"]) for name, each in declared.items()} | dict(parameters)
    named = expressions(template, _PSEUDO, chosen, {})
    names = {
        logical_id: _named(logical_id, each, named)
        for logical_id, each in template["Resources"].items()
    }
    refs = {
        logical_id: _bus_of(each) + _REFS.get(each["Type"], "{}").format(names[logical_id])
        for logical_id, each in template["Resources"].items()
    }
    values = expressions(template, _PSEUDO, chosen, refs)

    def made(logical_id: str, resource: Mapping[str, Any]) -> Made:
        name, kind = names[logical_id], resource["Type"]
        arn = values.arn(logical_id) if kind in ARNS else refs[logical_id]
        properties = values.of(resource["Properties"])
        return Made(logical_id, kind, name, refs[logical_id], arn, properties)

    return DeployedTemplate(
        resources=tuple(made(*each) for each in _wanted(template["Resources"], values)),
        outputs={name: values.of(o["Value"]) for name, o in _wanted(template["Outputs"], values)},
        parameters=chosen,
        given=json.loads(given),
        processed=template,
    )


def _named(logical_id: str, resource: Mapping[str, Any], named: Expressions) -> str:
    """All but a few get a name of CloudFormation's own, with letters that nobody knows."""
    given = {"AWS::Logs::LogGroup": "LogGroupName", "AWS::Events::EventBus": "Name"}
    own = f"{STACK}-{logical_id}-1A2B3C"
    return str(named.of(resource["Properties"].get(given.get(resource["Type"]), own)))


def _bus_of(resource: Mapping[str, Any]) -> str:
    """What stands before the name of a rule that is not on the default bus."""
    bus = resource["Properties"].get("EventBusName")
    is_rule = resource["Type"] == "AWS::Events::Rule"
    return f"{STACK}-organization|" if bus and is_rule else ""


def _wanted(
    section: Mapping[str, Any], values: Expressions
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The members of a section whose condition holds."""
    for name, member in section.items():
        if "Condition" not in member or values.holds(member["Condition"]):
            yield name, member


def checkout() -> Checkout:
    """What the same package tells the doctor of this checkout."""
    return _packaged()[2]


@cache
def _packaged() -> tuple[str, str, Checkout]:
    """The packaged template as deployed, as SAM hands it on, and the package as the doctor's."""
    with tempfile.TemporaryDirectory() as out:
        package = build(SOURCES, Path(out))
        key = f"{sha256(package.archive.read_bytes()).hexdigest()}.zip"
        template = locate_code(json.loads(package.template.read_bytes()), "artifacts", key)
        read = read_package(package)
    given = json.dumps(template)
    return given, json.dumps(transformed(template, REGION)), read
