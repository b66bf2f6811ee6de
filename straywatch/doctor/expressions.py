"""A template's expressions, and what they came to when the stack was made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")
NO_VALUE = object()
"""What `AWS::NoValue` stands for: the property is not there."""

ARNS = {
    "AWS::CloudWatch::Alarm": "arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}",
    "AWS::DynamoDB::Table": "arn:{partition}:dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "arn:{partition}:events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "arn:{partition}:events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "arn:{partition}:iam::{account}:role{path}{name}",
    "AWS::KMS::Key": "arn:{partition}:kms:{region}:{account}:key/{name}",
    "AWS::Lambda::Function": "arn:{partition}:lambda:{region}:{account}:function:{name}",
    "AWS::Logs::LogGroup": "arn:{partition}:logs:{region}:{account}:log-group:{name}:*",
    "AWS::SNS::Topic": "{id}",
    "AWS::SQS::Queue": "arn:{partition}:sqs:{region}:{account}:{name}",
}
"""A resource's ARN by its type. `id` is what `Ref` gives, `name` the last part of that."""

_NAMES = frozenset({"QueueName", "TopicName", "TableName"})


class UnknownExpressionError(ValueError):
    """An expression that cannot be told from the outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expressions:
    """What a stack's template is evaluated with.

    `declared` and `values` are its parameters; `types`, `paths` of roles, `physical_ids` are by
    the resources' names in the template. A resource that does not exist has no physical id.
    """

    pseudo: Mapping[str, str]
    declared: Mapping[str, Mapping[str, Any]]
    values: Mapping[str, str]
    conditions: Mapping[str, Any]
    mappings: Mapping[str, Any]
    types: Mapping[str, str]
    paths: Mapping[str, Any]
    physical_ids: Mapping[str, str]

    def of(self, value: Any) -> Any:  # noqa: ANN401 - any JSON
        """What the value comes to. Raises UnknownExpressionError."""
        if isinstance(value, Mapping):
            if len(value) == 1:
                ((function, argument),) = value.items()
                if _is_function(function, argument):
                    return self._function(function, argument)
            parts = {key: self.of(each) for key, each in value.items()}
            return {key: each for key, each in parts.items() if each is not NO_VALUE}
        if isinstance(value, list):
            return [each for each in map(self.of, value) if each is not NO_VALUE]
        return value

    def holds(self, condition: str) -> bool:
        """Whether the template's condition of this name does. Raises UnknownExpressionError."""
        if condition not in self.conditions:
            raise UnknownExpressionError(f"no condition {condition}")
        return bool(self.of(self.conditions[condition]))

    def arn(self, logical_id: str) -> str:
        """The ARN of a resource. Raises UnknownExpressionError."""
        kind, physical_id = self.types.get(logical_id, ""), self.physical_ids.get(logical_id, "")
        if not physical_id or kind not in ARNS:
            raise UnknownExpressionError(f"no ARN of {logical_id}")
        return ARNS[kind].format(
            id=physical_id,
            name=_name(kind, physical_id),
            path=path if isinstance(path := self.of(self.paths.get(logical_id)), str) else "/",
            partition=self.pseudo["AWS::Partition"],
            region=self.pseudo["AWS::Region"],
            account=self.pseudo["AWS::AccountId"],
        )

    def _function(self, function: str, argument: Any) -> Any:  # noqa: ANN401 - any JSON
        match function, argument:
            case "Ref", str(name):
                return self._ref(name)
            case "Fn::GetAtt", [str(name), str(attribute)]:
                return self._attribute(name, attribute)
            case "Fn::GetAtt", str(dotted):
                name, _, attribute = dotted.partition(".")
                return self._attribute(name, attribute)
            case "Fn::Sub", str(text):
                return self._substituted(text, {})
            case "Fn::Sub", [str(text), dict(own)]:
                return self._substituted(text, self.of(own))
            case "Fn::Join", [str(separator), parts]:
                return separator.join(map(_text, self.of(parts)))
            case "Fn::Split", [str(separator), text]:
                return str(self.of(text)).split(separator)
            case "Fn::Select", [index, choices]:
                return self.of(choices)[int(index)]
            case "Fn::FindInMap", [table, row, column]:
                return self.mappings[self.of(table)][self.of(row)][self.of(column)]
            case _:
                return self._logical(function, argument)

    def _logical(self, function: str, argument: Any) -> Any:  # noqa: ANN401 - any JSON
        match function, argument:
            case "Condition", str(name):
                return self.holds(name)
            case "Fn::If", [str(condition), yes, no]:
                return self.of(yes if self.holds(condition) else no)
            case "Fn::Equals", [one, other]:
                return _text(self.of(one)) == _text(self.of(other))
            case "Fn::Not", [condition]:
                return not self.of(condition)
            case "Fn::And", list(conditions):
                return all(map(self.of, conditions))
            case "Fn::Or", list(conditions):
                return any(map(self.of, conditions))
            case _:
                raise UnknownExpressionError(f"{function} cannot be told from outside")

    def _ref(self, name: str) -> Any:  # noqa: ANN401 - text, a list, or nothing
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.declared:
            declared, default = self.declared[name], self.declared[name].get("Default", "")
            value = self.values.get(name, str(default))
            listed = "List" in str(declared.get("Type", ""))
            return [part.strip() for part in value.split(",")] if listed else value
        if self.physical_ids.get(name):
            return self.physical_ids[name]
        raise UnknownExpressionError(f"there is no {name} in the stack")

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute in ("Arn", "TopicArn"):
            return self.arn(name)
        if attribute in _NAMES and self.physical_ids.get(name):
            return _name(self.types[name], self.physical_ids[name])
        raise UnknownExpressionError(f"{name}.{attribute} cannot be told from outside")

    def _substituted(self, text: str, own: Mapping[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            literal, name = match[1], match[2].strip()
            if literal:
                return f"${{{name}}}"
            if name in own:
                return _text(own[name])
            resource, dot, attribute = name.partition(".")
            return _text(self._attribute(resource, attribute) if dot else self._ref(name))

        return _VARIABLE.sub(value, text)


def expressions(
    template: Mapping[str, Any],
    pseudo: Mapping[str, str],
    values: Mapping[str, str],
    physical_ids: Mapping[str, str],
) -> Expressions:
    """What a template is evaluated with: AWS's own parameters, its own, and what was made."""
    return Expressions(
        pseudo=pseudo,
        declared=template.get("Parameters", {}),
        values=values,
        conditions=template.get("Conditions", {}),
        mappings=template.get("Mappings", {}),
        types={name: each["Type"] for name, each in template["Resources"].items()},
        paths={
            name: each.get("Properties", {}).get("Path")
            for name, each in template["Resources"].items()
        },
        physical_ids=physical_ids,
    )


def _is_function(name: str, argument: object) -> bool:
    # a policy's statement has a Condition, too
    return (name in ("Ref", "Condition") and isinstance(argument, str)) or name.startswith("Fn::")


def _name(kind: str, physical_id: str) -> str:
    """A resource's own name in what `Ref` gives: a queue's is an address, a topic's an ARN."""
    match kind:
        case "AWS::SQS::Queue":
            return physical_id.rsplit("/", 1)[-1]
        case "AWS::SNS::Topic":
            return physical_id.rsplit(":", 1)[-1]
        case "AWS::Events::Rule":
            return physical_id.replace("|", "/")
        case _:
            return physical_id


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
