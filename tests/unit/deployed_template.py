"""What CloudFormation makes of the packaged template: its resources under their names in AWS."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from chalicelib.domain.account import Account
from straywatch.deploy.deployment import locate_code
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.plain_template import transformed
from straywatch.doctor.checkout import read_package
from straywatch.doctor.world import Checkout

ACCOUNT = Account("aws", "123456789012")
REGION = "us-east-1"
STACK = "straywatch"

_HERE = f"{REGION}:{ACCOUNT.account_id}"
_REFS = {
    "AWS::SNS::Subscription": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SQS::Queue": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT.account_id}/{{}}",
}
"""What `Ref` gives where it is not the name itself, by type. Source: each type's return values."""

_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_HERE}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{_HERE}:rule/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT.account_id}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:{{}}:*",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_HERE}:{{}}",
}
_NO_VALUE = "AWS::NoValue"
_PSEUDO = {
    _NO_VALUE: _NO_VALUE,
    "AWS::AccountId": ACCOUNT.account_id,
    "AWS::Partition": ACCOUNT.partition,
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{_HERE}:stack/{STACK}/0a1b2c3d",
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
    parameters: frozenset[str]

    def of_type(self, resource_type: str) -> Iterator[Made]:
        """The resources of a type."""
        return (made for made in self.resources if made.type == resource_type)


def deployed(**parameters: str) -> DeployedTemplate:
    """Deploy the packaged template with these parameters, and the template's own for the rest."""
    template = json.loads(_packaged()[0])
    values = _Values(template, parameters)
    outputs = values.wanted("Outputs")
    return DeployedTemplate(
        resources=tuple(values.made(name) for name in values.wanted("Resources")),
        outputs={name: values.of(output["Value"]) for name, output in outputs.items()},
        parameters=frozenset(template["Parameters"]),
    )


def checkout() -> Checkout:
    """What the same package tells the doctor of this checkout."""
    return _packaged()[1]


@cache
def _packaged() -> tuple[str, Checkout]:
    """The packaged template as SAM hands it to CloudFormation, and the package as the doctor's."""
    with tempfile.TemporaryDirectory() as out:
        package = build(SOURCES, Path(out))
        template = locate_code(json.loads(package.template.read_bytes()), "artifacts", "code.zip")
        read = read_package(package)
    return json.dumps(transformed(template, REGION)), read


class _Values:
    """The template's expressions, as far as this template uses them."""

    def __init__(self, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        self._template = template
        declared = template["Parameters"]
        chosen = {name: parameters.get(name, each["Default"]) for name, each in declared.items()}
        unknown = parameters.keys() - declared.keys()
        assert not unknown, f"the template has no parameter {unknown}"
        self._parameters = _PSEUDO | {name: str(value) for name, value in chosen.items()}

    def wanted(self, section: str) -> dict[str, Any]:
        """The members of a section whose condition holds."""
        conditions = self._template["Conditions"]
        return {
            name: member
            for name, member in self._template[section].items()
            if "Condition" not in member or self._holds(conditions[member["Condition"]])
        }

    def _holds(self, condition: Mapping[str, Any]) -> bool:
        match condition:
            case {"Fn::Equals": [one, other]}:
                return bool(self.of(one) == self.of(other))
            case {"Fn::Not": [negated]}:
                return not self._holds(negated)
            case {"Fn::And": conditions}:
                return all(map(self._holds, conditions))
            case _:
                return self._holds(self._template["Conditions"][condition["Condition"]])

    def made(self, logical_id: str) -> Made:
        """A resource as it is made."""
        resource = self._template["Resources"][logical_id]
        properties = resource["Properties"]
        # all but a log group get a name of CloudFormation's own, with letters that nobody knows
        name = self.of(properties.get("LogGroupName", f"{STACK}-{logical_id}-1A2B3C"))
        ref, arn = _REFS.get(resource["Type"], "{}"), _ARNS.get(resource["Type"], "{}")
        return Made(
            logical_id, resource["Type"], name, ref.format(name), arn.format(name),
            self.of(properties),
        )  # fmt: skip

    def of(self, value: Any) -> Any:
        """What an expression comes to; what is none, part by part."""
        match value:
            case {"Ref": str(name)}:
                known = self._parameters.get(name)
                return self.made(name).ref if known is None else known
            case {"Fn::GetAtt": [name, attribute]}:
                return self._attribute(name, attribute)
            case {"Fn::Sub": str(text)}:
                return re.sub(r"\$\{([^}]+)\}", lambda match: self._named(match[1]), text)
            case {"Fn::If": [condition, then, otherwise]}:
                holds = self._holds(self._template["Conditions"][condition])
                return self.of(then if holds else otherwise)
            case {"Fn::Join": [str(between), parts]}:
                return between.join(self.of(parts))
            case dict():
                found = {key: self.of(each) for key, each in value.items()}
                return {key: each for key, each in found.items() if each != _NO_VALUE}
            case list():
                return [self.of(each) for each in value]
            case _:
                return value

    def _named(self, name: str) -> str:
        resource, dot, attribute = name.partition(".")
        return self._attribute(resource, attribute) if dot else str(self.of({"Ref": name}))

    def _attribute(self, name: str, attribute: str) -> str:
        made = self.made(name)
        return {"Arn": made.arn, "QueueName": made.name}[attribute]
