"""What should be: the stack's resources as its own template has them, with every value told."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.doctor.expressions import NO_VALUE, Expressions, UnknownExpressionError

POLICY, MAPPED_BY = "Policy", "MappedBy"
"""What other resources of the template say about one: who may use it, and which event source
mappings take from it."""

_POLICIES = {"AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics"}
_BUS_POLICY = "AWS::Events::EventBusPolicy"
_PERMISSION, _MAPPING = "AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"
FOLDED = frozenset({*_POLICIES, _BUS_POLICY, _PERMISSION})
"""Types that are a property of another resource, and are looked at with it."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A property whose value cannot be told from the template."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intended:
    """A resource as it should be. `arn` is empty for types that have none in policies.

    `physical_id` is its name in AWS. A property may be Unknown.
    """

    logical_id: str
    resource_type: str
    physical_id: str
    arn: str
    properties: Mapping[str, Any]


def intended(template: Mapping[str, Any], expressions: Expressions) -> tuple[Intended, ...]:
    """Evaluate the template: every resource whose condition holds, others folded into theirs."""
    resources = [
        _intended(logical_id, each, expressions)
        for logical_id, each in template["Resources"].items()
        if "Condition" not in each or expressions.holds(each["Condition"])
    ]
    said = _said_elsewhere(resources)
    return tuple(
        replace(each, properties={**each.properties, **_own(said, each)})
        for each in resources
        if each.resource_type not in FOLDED
    )


def _intended(logical_id: str, resource: Mapping[str, Any], expressions: Expressions) -> Intended:
    try:
        arn = expressions.arn(logical_id)
    except UnknownExpressionError:
        arn = ""
    return Intended(
        logical_id=logical_id,
        resource_type=resource["Type"],
        physical_id=expressions.physical_ids.get(logical_id, ""),
        arn=arn,
        properties={
            name: value
            for name, given in resource.get("Properties", {}).items()
            if (value := _value(given, expressions)) is not NO_VALUE
        },
    )


def _value(value: object, expressions: Expressions) -> Any:  # noqa: ANN401 - any JSON, or Unknown
    try:
        return expressions.of(value)
    except UnknownExpressionError as error:
        return Unknown(str(error))


_Said = Mapping[str, Mapping[str, list[Any]]]
"""By the id or ARN of a resource: its further properties, in pieces."""


def _said_elsewhere(resources: list[Intended]) -> _Said:
    said: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for each in resources:
        for about, name, piece in _pieces(each):
            said[str(about)][name].append(piece)
    return said


def _pieces(each: Intended) -> Iterator[tuple[object, str, Any]]:
    properties = each.properties
    if each.resource_type in _POLICIES:
        document = properties.get("PolicyDocument")
        statements = document.get("Statement", []) if isinstance(document, Mapping) else document
        for subject in listed(properties.get(_POLICIES[each.resource_type], [])):
            yield from ((subject, POLICY, statement) for statement in listed(statements))
    if each.resource_type == _BUS_POLICY:
        told = properties["Statement"]
        if isinstance(told, Mapping):
            told = {"Sid": properties["StatementId"], **told}
        yield properties.get("EventBusName"), POLICY, told
    if each.resource_type == _PERMISSION:
        yield properties.get("FunctionName"), POLICY, _statement(each)
    if each.resource_type == _MAPPING:
        yield properties.get("EventSourceArn"), MAPPED_BY, each.physical_id


def _statement(permission: Intended) -> Mapping[str, Any]:
    """A permission as Lambda writes it into the function's policy; its `Sid` is its own id."""
    told = permission.properties
    principal = str(told.get("Principal", ""))
    kind = "Service" if "." in principal else "AWS"
    conditions = {
        "ArnLike": {"aws:SourceArn": told.get("SourceArn")},
        "StringEquals": {
            "aws:SourceAccount": told.get("SourceAccount"),
            "aws:PrincipalOrgID": told.get("PrincipalOrgID"),
        },
    }
    return {
        "Sid": permission.physical_id or permission.logical_id,
        "Effect": "Allow",
        "Principal": {kind: principal},
        "Action": told.get("Action"),
        "Condition": {
            operator: given
            for operator, keys in conditions.items()
            if (given := {key: value for key, value in keys.items() if value})
        },
    }


def _own(said: _Said, each: Intended) -> Mapping[str, Any]:
    """What was said about a resource, by its id or its ARN; a policy as a document."""
    found: dict[str, Any] = {}
    for name in (each.physical_id, each.arn):
        for key, pieces in said.get(name, {}).items() if name else ():
            found.setdefault(key, []).extend(p for p in pieces if p not in found.get(key, []))
    if POLICY in found:
        found[POLICY] = {"Version": "2012-10-17", "Statement": found[POLICY]}
    return found


def function_name(name_or_arn: object) -> str:
    """A function's name, from the name itself or from its ARN."""
    return str(name_or_arn).partition(":function:")[2] or str(name_or_arn)
