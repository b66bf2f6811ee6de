"""IAM's query protocol read back with botocore's own model: form in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser

_READ_ONLY = ("Get", "List", "Simulate")


@dataclass(frozen=True)
class Request:
    """One IAM call as it was asked: the action and its parameters, secrets left out."""

    action: str
    parameters: Mapping[str, Any]

    @property
    def read_only(self) -> bool:
        """Whether CloudTrail calls it so, which keeps it off the event bus."""
        return self.action.startswith(_READ_ONLY)


@dataclass(frozen=True)
class Succeeded:
    """The call did what was asked; `response` is what IAM answered, secrets left out."""

    response: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Failed:
    """The call was refused; `code` is spelled as CloudTrail spells it."""

    code: str
    message: str


CallResult = Succeeded | Failed


@dataclass(frozen=True)
class Reply:
    """What became of a call, and the id that IAM gave the request."""

    outcome: CallResult
    request_id: str


class UnknownActionError(Exception):
    """The form names no action of IAM's model; AWS would not have recorded it either."""


def decode_request(form: bytes) -> Request:
    """Read an IAM request's form. Raises UnknownActionError."""
    fields = dict(parse_qsl(form.decode("utf-8", "replace"), keep_blank_values=True))
    operation = _operation(fields.get("Action", ""))
    shape = operation.input_shape
    values = {} if shape is None else _structure(shape, "", fields)
    return Request(operation.name, values)


def decode_response(action: str, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read what IAM answered to `action`. Raises UnknownActionError."""
    operation = _operation(action)
    shape = operation.output_shape
    answer = {"status_code": status, "headers": headers, "body": body}
    parsed = create_parser("query").parse(answer, shape)  # type: ignore[arg-type] # None is legal
    request_id = str(parsed.pop("ResponseMetadata", {}).get("RequestId", ""))
    if status >= 300:  # noqa: PLR2004 - HTTP's own line between success and the rest
        error = parsed.get("Error", {})
        code = str(error.get("Code", status))
        failed = Failed(_error_name(operation, code), str(error.get("Message", "")))
        return Reply(failed, request_id)
    return Reply(Succeeded({} if shape is None else _public(shape, parsed)), request_id)


@cache
def _model() -> ServiceModel:
    return botocore.session.get_session().get_service_model("iam")


def _operation(action: str) -> OperationModel:
    if action not in _model().operation_names:
        raise UnknownActionError(action)
    return _model().operation_model(action)


def _error_name(operation: OperationModel, code: str) -> str:
    """CloudTrail names the exception (NoSuchEntityException) where the wire names its code."""
    for shape in operation.error_shapes:
        if shape.metadata.get("error", {}).get("code", shape.name) == code:
            return str(shape.name)
    return code


def _structure(shape: StructureShape, prefix: str, fields: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        value = _value(member, f"{prefix}{wire_name}", fields)
        if value is not None and not member.metadata.get("sensitive"):
            values[name] = value
    return values


def _value(shape: Shape, key: str, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(shape, StructureShape):
        return _structure(shape, f"{key}.", fields) if _present(key, fields) else None
    if isinstance(shape, ListShape):
        return _list(shape, f"{key}.member", fields) if _present(key, fields) else None
    if isinstance(shape, MapShape):
        raise UnknownActionError(f"IAM's model has a map at {key}, which this reader does not know")
    text = fields.get(key)
    if text is None:
        return None
    if shape.type_name == "boolean":
        return text == "true"
    return int(text) if shape.type_name in ("integer", "long") else text


def _list(shape: ListShape, key: str, fields: Mapping[str, str]) -> list[Any]:
    values: list[Any] = []
    while _present(f"{key}.{len(values) + 1}", fields):
        values.append(_value(shape.member, f"{key}.{len(values) + 1}", fields))
    return values


def _present(key: str, fields: Mapping[str, str]) -> bool:
    return any(name == key or name.startswith(f"{key}.") for name in fields)


def _public(shape: StructureShape, parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the model calls sensitive, as CloudTrail does."""
    kept = {}
    for name, value in parsed.items():
        member = shape.members[name]
        if member.metadata.get("sensitive"):
            continue
        kept[name] = _public(member, value) if isinstance(member, StructureShape) else value
    return kept
