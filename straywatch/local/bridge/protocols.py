"""Requests and answers as they are on the wire, read by AWS's models: forms and JSON.

What travels otherwise (S3, Lambda's and Security Hub's paths, CBOR) is not read here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import create_parser

from straywatch.local.bridge.aws_model import service_model

_MODELS = {
    name: name
    for name in (
        "cloudformation",
        "cloudtrail",
        "dynamodb",
        "events",
        "iam",
        "kms",
        "logs",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "sts",
    )
} | {"monitoring": "cloudwatch"}
"""Services by the name that requests are signed with."""


class UnreadError(Exception):
    """The request is in no protocol that is read here, or names no action of the service."""


def operation_of(service: str, headers: Mapping[str, str], body: bytes) -> OperationModel:
    """Find what is asked. Raises UnreadError."""
    if service not in _MODELS:
        raise UnreadError(service)
    target = headers.get("x-amz-target", "")
    name = target.rpartition(".")[2] if _is_json(headers) else _fields(body).get("Action", "")
    return operation_named(_MODELS[service], name)


def operation_named(service: str, name: str) -> OperationModel:
    """Return an action's model. Raises UnreadError for an action that the service lacks."""
    model = service_model(service)
    if name not in model.operation_names:
        raise UnreadError(f"{service}: {name}")
    return model.operation_model(name)


def request_of(
    operation: OperationModel, headers: Mapping[str, str], body: bytes
) -> Mapping[str, Any]:
    """Return the parameters as they were sent. Raises UnreadError."""
    shape = operation.input_shape
    if shape is None:
        return {}
    if not _is_json(headers):
        return _structure(shape, "", _fields(body))
    try:
        sent = json.loads(body or b"{}")
    except ValueError as error:
        raise UnreadError(operation.name) from error
    return sent if isinstance(sent, dict) else {}


def answer_of(
    operation: OperationModel, status: int, headers: Mapping[str, str], body: bytes
) -> Mapping[str, Any]:
    """Return the answer as botocore would parse it."""
    protocol = "json" if _is_json(headers) else "query"
    answer = {"status_code": status, "headers": headers, "body": body}
    parser = create_parser(protocol)
    return parser.parse(answer, operation.output_shape)  # type: ignore[arg-type,no-any-return] # None is legal


def _is_json(headers: Mapping[str, str]) -> bool:
    return "json" in headers.get("content-type", "")


def _fields(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _structure(shape: StructureShape, prefix: str, fields: Mapping[str, str]) -> dict[str, Any]:
    values = {}
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        value = _value(member, f"{prefix}{wire_name}", fields)
        if value is not None:
            values[name] = value
    return values


def _value(shape: Shape, key: str, fields: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(shape, StructureShape):
        return _structure(shape, f"{key}.", fields) if _present(key, fields) else None
    if isinstance(shape, ListShape):
        return _list(shape, f"{key}.member", fields) if _present(key, fields) else None
    if isinstance(shape, MapShape):
        return _map(shape, f"{key}.entry", fields) if _present(key, fields) else None
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


def _map(shape: MapShape, key: str, fields: Mapping[str, str]) -> dict[str, Any]:
    name = shape.key.serialization.get("name", "key")
    value = shape.value.serialization.get("name", "value")
    values: dict[str, Any] = {}
    while _present(entry := f"{key}.{len(values) + 1}", fields):
        held = _value(shape.value, f"{entry}.{value}", fields)
        values[fields.get(f"{entry}.{name}", "")] = held
    return values


def _present(key: str, fields: Mapping[str, str]) -> bool:
    return any(name == key or name.startswith(f"{key}.") for name in fields)
