"""What CloudTrail sees of an IAM call: its action, parameters and outcome, without the secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.model import OperationModel, StructureShape

from straywatch.local.bridge.protocols import answer_of, operation_named, operation_of, request_of

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


def decode_request(form: bytes) -> Request:
    """Read an IAM request's form. Raises UnreadError."""
    operation = operation_of("iam", {}, form)
    shape = operation.input_shape
    sent = request_of(operation, {}, form)
    return Request(operation.name, {} if shape is None else _public(shape, sent))


def decode_response(action: str, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
    """Read what IAM answered to `action`. Raises UnreadError."""
    operation = operation_named("iam", action)
    shape = operation.output_shape
    parsed = dict(answer_of(operation, status, headers, body))
    request_id = str(parsed.pop("ResponseMetadata", {}).get("RequestId", ""))
    if status >= 300:  # noqa: PLR2004 - HTTP's own line between success and the rest
        error = parsed.get("Error", {})
        code = str(error.get("Code", status))
        failed = Failed(_error_name(operation, code), str(error.get("Message", "")))
        return Reply(failed, request_id)
    return Reply(Succeeded({} if shape is None else _public(shape, parsed)), request_id)


def _error_name(operation: OperationModel, code: str) -> str:
    """CloudTrail names the exception (NoSuchEntityException) where the wire names its code."""
    for shape in operation.error_shapes:
        if shape.metadata.get("error", {}).get("code", shape.name) == code:
            return str(shape.name)
    return code


def _public(shape: StructureShape, parsed: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what the model calls sensitive, as CloudTrail does."""
    kept = {}
    for name, value in parsed.items():
        member = shape.members[name]
        if member.metadata.get("sensitive"):
            continue
        kept[name] = _public(member, value) if isinstance(member, StructureShape) else value
    return kept
