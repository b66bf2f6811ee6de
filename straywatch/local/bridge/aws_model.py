"""What AWS's own service models have against a request or an answer.

botocore carries the models and checks types by them, of requests alone. This checks the rest of
what they say: lengths, ranges, patterns, enumerations, what must be there and what cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from straywatch.local.bridge.patterns import compiled

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "blob": (bytes, bytearray, str),
    "timestamp": (datetime, str, int, float),
}
_DECODED = frozenset({"policyDocumentType"})  # text on the wire, which botocore reads as JSON
_SHOWN = 60

NOT_KEPT_BY_AWS: Mapping[tuple[str, str], str] = {
    ("iam", "PermissionsBoundaryAttachmentType"): "IAM answers `Policy` (awsdocs/iam-user-guide "
    "issue 82), and the model knows `PermissionsBoundaryPolicy` alone",
    ("cloudformation", "ResourceStatus"): "the first event of a stack that a change set creates is "
    "REVIEW_IN_PROGRESS, a status of stacks",
}
"""What the models say and AWS itself does not do: (service, shape) -> why it is not checked."""


@dataclass(frozen=True)
class Breach:
    """One thing that AWS's model does not allow, and where."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service, by its endpoint prefix or name."""
    return botocore.session.get_session().get_service_model(service)


def breaches_of_request(operation: OperationModel, request: object) -> Sequence[Breach]:
    """Return all that AWS would refuse in a request, by what its model says."""
    return _breaches(operation, operation.input_shape, request)


def breaches_of_answer(operation: OperationModel, answer: Mapping[str, Any]) -> Sequence[Breach]:
    """Return all that AWS could not have answered, by what its model says."""
    told = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return _breaches(operation, operation.output_shape, told)


def _breaches(operation: OperationModel, shape: Shape | None, value: object) -> Sequence[Breach]:
    if shape is None:
        return [Breach(operation.name, "takes and gives nothing")] if value else []
    service = operation.service_model.service_name
    return [
        breach
        for shape_name, breach in _of(shape, value, operation.name)
        if (service, shape_name) not in NOT_KEPT_BY_AWS
    ]


_Found = Iterator[tuple[str, Breach]]
"""Breaches, each with the name of the shape that it is against."""


def _of(shape: Shape, value: Any, where: str) -> _Found:  # noqa: ANN401 - whatever came
    if isinstance(shape, StructureShape):
        yield from _of_structure(shape, value, where)
    elif isinstance(shape, ListShape):
        yield from _of_list(shape, value, where)
    elif isinstance(shape, MapShape):
        yield from _of_map(shape, value, where)
    else:
        yield from _of_scalar(shape, value, where)


def _of_structure(shape: StructureShape, value: Any, where: str) -> _Found:  # noqa: ANN401
    if shape.is_document_type:
        return
    if not isinstance(value, Mapping):
        yield shape.name, Breach(where, f"{type(value).__name__} instead of a structure")
        return
    for name in shape.metadata.get("required", ()):
        if value.get(name) is None:
            yield shape.name, Breach(where, f"{name} is missing")
    if shape.is_tagged_union and len(value) != 1:
        yield shape.name, Breach(where, "must hold one member")
    for name, held in value.items():
        if name in shape.members:
            yield from _of(shape.members[name], held, f"{where}.{name}")
        else:
            yield shape.name, Breach(where, f"{name} is no member")


def _of_list(shape: ListShape, value: Any, where: str) -> _Found:  # noqa: ANN401
    if not isinstance(value, list | tuple):
        yield shape.name, Breach(where, f"{type(value).__name__} instead of a list")
        return
    yield from _of_size(shape, len(value), where, " elements")
    for position, held in enumerate(value):
        yield from _of(shape.member, held, f"{where}[{position}]")


def _of_map(shape: MapShape, value: Any, where: str) -> _Found:  # noqa: ANN401
    if not isinstance(value, Mapping):
        yield shape.name, Breach(where, f"{type(value).__name__} instead of a map")
        return
    yield from _of_size(shape, len(value), where, " entries")
    for key, held in value.items():
        yield from _of(shape.key, key, f"{where} key {_shown(shape.key, key)}")
        yield from _of(shape.value, held, f"{where}.{key}")


def _of_scalar(shape: Shape, value: Any, where: str) -> _Found:  # noqa: ANN401
    kind = shape.type_name
    if shape.name in _DECODED and isinstance(value, Mapping):
        return
    if kind == "blob" and hasattr(value, "read"):  # a file, to be sent or received as it is read
        return
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        yield shape.name, Breach(where, f"{type(value).__name__} instead of {kind}")
    elif isinstance(value, str):
        # A blob that is text is still in base64, and a time may be, too: no length is told by it.
        yield from _of_text(shape, value, where) if kind == "string" else ()
    elif isinstance(value, bytes | bytearray):
        yield from _of_size(shape, len(value), where, " bytes")
    elif isinstance(value, int | float):
        yield from _of_size(shape, value, where, "")


def _of_text(shape: Shape, value: str, where: str) -> _Found:
    yield from _of_size(shape, len(value), where, " characters")
    allowed = getattr(shape, "enum", ())
    if allowed and value not in allowed:
        yield shape.name, Breach(where, f"{_shown(shape, value)} is none of {', '.join(allowed)}")
    pattern = shape.metadata.get("pattern")
    if pattern and not compiled(pattern).fullmatch(value):
        yield shape.name, Breach(where, f"{_shown(shape, value)} is not of the form {pattern}")


def _of_size(shape: Shape, size: float, where: str, unit: str) -> _Found:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield shape.name, Breach(where, f"{size}{unit}, and {least} at least")
    if most is not None and size > most:
        yield shape.name, Breach(where, f"{size}{unit}, and {most} at most")


def _shown(shape: Shape, value: str) -> str:
    return "a secret" if shape.metadata.get("sensitive") else json.dumps(value[:_SHOWN])
