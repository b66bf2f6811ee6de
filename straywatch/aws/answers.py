"""Whether what answered a call is AWS at all: a proxy's page must not be read as an answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from botocore.exceptions import BotoCoreError

if TYPE_CHECKING:
    import boto3
    from botocore.model import OperationModel

_FIRST_ERROR = 300
_SERVERS_ERROR = 500
_QUERY = ("query", "ec2")
_JSON = ("json", "rest-json")


class StrangeAnswerError(BotoCoreError):
    """What came back is not what AWS sends. Whoever is ready for a failed call is for this."""

    fmt = (
        "what answered {operation} with status {status} is not AWS but {what}: "
        "check AWS_ENDPOINT_URL and the proxy"
    )


def guard(session: boto3.Session) -> boto3.Session:
    """Make every client of the session look at its answers before they are read.

    botocore takes a page with status 200 for an answer without content, and raises what is no
    BotoCoreError for one that it cannot parse.
    """
    session.events.register("before-parse", _look)
    return session


def _look(
    operation_model: OperationModel,
    response_dict: dict[str, Any],
    **_: Any,  # noqa: ANN401 - more of botocore's, which may grow
) -> None:
    body, status = response_dict["body"], response_dict["status_code"]
    if not isinstance(body, bytes):  # a stream: who reads it looks at it
        return
    what = _strangeness(body, operation_model, status)
    if not what:
        return
    if status >= _SERVERS_ERROR:
        response_dict["body"] = b""  # botocore tells it by its status then, and tries again
        return
    raise StrangeAnswerError(operation=operation_model.name, status=status, what=what)


def _strangeness(body: bytes, operation: OperationModel, status: int) -> str:
    """What an answer is instead of AWS's; empty where it may be AWS's."""
    protocol = operation.service_model.resolved_protocol
    if body.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page"
    is_error = status >= _FIRST_ERROR
    try:
        if protocol in _QUERY or (protocol == "rest-xml" and is_error and body.strip()):
            return _strange_xml(body, operation, is_error=is_error)
        if protocol == "json" and not (body.strip() or is_error) and operation.output_shape:
            return "nothing"
        if protocol in _JSON and body.strip() and not isinstance(json.loads(body), dict):
            return "JSON of another kind"
    except ET.ParseError as error:
        return f"no whole XML ({error})"
    except (ValueError, RecursionError) as error:
        return f"no whole JSON ({error})"
    return ""


def _strange_xml(body: bytes, operation: OperationModel, *, is_error: bool) -> str:
    """What is wrong with XML that is an error, or an answer of the expected shape, if any."""
    expected = operation.output_shape
    if not body.strip():
        return "nothing"  # AWS sends an element also where it has nothing to tell
    root = ET.fromstring(body)  # nosec B314  # noqa: S314 - botocore parses the very same with it
    if not is_error and not expected:  # such as AddUserToGroup's: its root is all that it has
        name = root.tag.rpartition("}")[2]
        return "" if name == f"{operation.name}Response" else "XML of another kind"
    wrapper = expected.serialization.get("resultWrapper") if expected and not is_error else None
    within = {child.tag.rpartition("}")[2] for child in root}
    return "XML of another kind" if wrapper and wrapper not in within else ""
