"""What AWS's own service models have against a request or an answer.

botocore carries the models and checks types by them, of requests alone. This checks the rest of
what they say: lengths, ranges, patterns, enumerations, what must be there and what cannot be.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    (
        "dynamodb",
        "BatchGetRequestMap",
    ): "a batch that is done leaves nothing, and says so",
    ("dynamodb", "BatchWriteItemRequestMap"): "as above",
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
    look = _Look(operation.service_model.service_name)
    look.at(shape, value, (operation.name,))
    return look.found


Path = tuple[str, ...]
"""Where a value stands; written out only where something is wrong, since most is right."""


@dataclass(slots=True)
class _Look:
    """One look through a value, and what it has found against it."""

    service: str
    found: list[Breach] = field(default_factory=list)

    def at(self, shape: Shape, value: Any, path: Path) -> None:  # noqa: ANN401 - whatever came
        """Look at a value of any shape."""
        if isinstance(shape, StructureShape):
            self._structure(shape, value, path)
        elif isinstance(shape, ListShape):
            self._list(shape, value, path)
        elif isinstance(shape, MapShape):
            self._map(shape, value, path)
        else:
            self._scalar(shape, value, path)

    def _tell(self, shape: Shape, path: Path, what: str) -> None:
        if (self.service, shape.name) not in NOT_KEPT_BY_AWS:
            self.found.append(Breach("".join(path), what))

    def _structure(self, shape: StructureShape, value: Any, path: Path) -> None:  # noqa: ANN401
        if shape.is_document_type:
            return
        if not isinstance(value, Mapping):
            self._tell(shape, path, f"{type(value).__name__} instead of a structure")
            return
        for name in shape.metadata.get("required", ()):
            if value.get(name) is None:
                self._tell(shape, path, f"{name} is missing")
        if shape.is_tagged_union and len(value) != 1:
            self._tell(shape, path, "must hold one member")
        members = shape.members
        for name, held in value.items():
            if name in members:
                self.at(members[name], held, (*path, ".", name))
            else:
                self._tell(shape, path, f"{name} is no member")

    def _list(self, shape: ListShape, value: Any, path: Path) -> None:  # noqa: ANN401
        if not isinstance(value, list | tuple):
            self._tell(shape, path, f"{type(value).__name__} instead of a list")
            return
        self._size(shape, len(value), path, " elements")
        for position, held in enumerate(value):
            self.at(shape.member, held, (*path, f"[{position}]"))

    def _map(self, shape: MapShape, value: Any, path: Path) -> None:  # noqa: ANN401
        if not isinstance(value, Mapping):
            self._tell(shape, path, f"{type(value).__name__} instead of a map")
            return
        self._size(shape, len(value), path, " entries")
        for key, held in value.items():
            self.at(shape.key, key, (*path, " key"))
            self.at(shape.value, held, (*path, ".", str(key)))

    def _scalar(self, shape: Shape, value: Any, path: Path) -> None:  # noqa: ANN401
        kind = shape.type_name
        if shape.name in _DECODED and isinstance(value, Mapping):
            return
        if kind == "blob" and hasattr(value, "read"):  # a file, sent or received as it is read
            return
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            self._tell(shape, path, f"{type(value).__name__} instead of {kind}")
        elif kind == "string":
            self._text(shape, str(value), path)
        elif isinstance(value, bytes | bytearray):
            self._size(shape, len(value), path, " bytes")
        elif isinstance(value, int | float) and kind not in ("boolean", "timestamp"):
            self._size(shape, value, path, "")

    def _text(self, shape: Shape, value: str, path: Path) -> None:
        self._size(shape, len(value), path, " characters")
        allowed = getattr(shape, "enum", ())
        if allowed and value not in allowed:
            what = f"{_shown(shape, value)} is none of {', '.join(allowed)}"
            self._tell(shape, path, what)
        pattern = shape.metadata.get("pattern")
        if pattern and not compiled(pattern).fullmatch(value):
            self._tell(shape, path, f"{_shown(shape, value)} is not of the form {pattern}")

    def _size(self, shape: Shape, size: float, path: Path, unit: str) -> None:
        least, most = shape.metadata.get("min"), shape.metadata.get("max")
        if least is not None and size < least:
            self._tell(shape, path, f"{size}{unit}, and {least} at least")
        if most is not None and size > most:
            self._tell(shape, path, f"{size}{unit}, and {most} at most")


def _shown(shape: Shape, value: str) -> str:
    return "a secret" if shape.metadata.get("sensitive") else json.dumps(value[:_SHOWN])
