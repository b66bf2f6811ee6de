"""Clients that talk to nobody: to moto's AWS in memory, or to answers that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import moto
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

REGION = "us-east-1"
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})


@cache
def _session() -> boto3.Session:
    """One session for all: it reads each service's model once. Made after moto is imported."""
    assert moto.__version__
    return boto3.Session("testing", "testing", region_name=REGION)


def client(service: str) -> Any:
    """A client with stand-in credentials that never repeats a call."""
    return _session().client(service, config=ONCE)  # type: ignore[call-overload]  # any service


def iam_in_memory() -> Any:
    """IAM of moto, which leaves out of two lists that they are whole: AWS always says so."""
    made = client("iam")

    def complete(parsed: dict[str, Any], **_: Any) -> None:
        parsed.setdefault("IsTruncated", False)

    for operation in ("ListAccessKeys", "ListMFADevices"):
        made.meta.events.register(f"after-call.iam.{operation}", complete)
    return made


class _Body:
    """What urllib3 would have read from the wire."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Give it all at once."""
        yield self._content


def answering(service: str, answer: Callable[[AWSPreparedRequest], tuple[int, bytes]]) -> Any:
    """A client whose wire ends in `answer`, which returns a status and a body, or raises."""
    made = client(service)

    def send(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        status, body = answer(request)
        headers: Any = {"content-type": "text/xml", "content-length": str(len(body))}
        return AWSResponse(request.url, status, headers, _Body(body))

    made.meta.events.register(f"before-send.{service}.*", send)
    return made
