"""One signed request to the emulator and the answer to it, each held as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

from straywatch.local.bridge.calls import Fault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

LOCAL_HEADER = "x-straywatch-local"
"""Stands in each answer, so that nobody takes it for one of AWS."""
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/[^/]+/([^/]+)/aws4_request")
_DENIED = (b"AccessDenied", b"AuthorizationError")


@dataclass
class Exchange:
    """One signed request, read to its end."""

    scope: Message
    body: bytes
    access_key_id: str
    service: str

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers by lower-case name."""
        return _headers(self.scope)

    def request(self) -> tuple[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]]:
        """Return method, path, headers, body and fields, the form's among them."""
        query = parse_qs(self.scope["query_string"].decode("utf-8", "replace"))
        form = "x-www-form-urlencoded" in self.headers.get("content-type", "")
        fields = parse_qs(self.body.decode("utf-8", "replace")) if form else {}
        return (
            self.scope["method"],
            self.scope["path"],
            self.headers,
            self.body,
            {**fields, **query},
        )

    def parameters(self) -> Mapping[str, Any]:
        """Return what a JSON body or a form holds, as far as it can be read."""
        if "json" not in self.headers.get("content-type", ""):
            return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            body = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}

    def replay(self, receive: Receive) -> Receive:
        """Give the body again, then whatever the connection still has to say."""
        pending: list[Message] = [{"type": "http.request", "body": self.body, "more_body": False}]

        async def again() -> Message:
            return pending.pop() if pending else await receive()

        return again

    async def refuse(self, fault: Fault, request_id: str, send: Send) -> None:
        """Answer with the ordered failure in the protocol in which was asked."""
        if "json" in self.headers.get("content-type", ""):
            kind = "application/x-amz-json-1.0"
            body = json.dumps({"__type": fault.code, "message": fault.message})
        else:
            kind = "text/xml"
            body = (
                f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(fault.code)}</Code>"
                f"<Message>{escape(fault.message)}</Message></Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        headers = [
            (b"content-type", kind.encode()),
            (b"x-amzn-requestid", request_id.encode()),
            (b"x-amzn-errortype", fault.code.encode()),
        ]
        await send({"type": "http.response.start", "status": fault.status, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


@dataclass
class HeldResponse:
    """A whole response, kept back until the record of it is on its way."""

    messages: list[Message] = field(default_factory=list)

    async def keep(self, message: Message) -> None:
        """Take one message instead of the client."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (LOCAL_HEADER.encode(), b"1")]
        self.messages.append(message)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        """The response's headers by lower-case name."""
        return _headers(self.messages[0])

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def denied(self) -> bool:
        """Whether it says, in any service's words, that the caller may not do this."""
        return self.status in (400, 403) and any(word in self.body for word in _DENIED)


def _headers(message: Message) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in message.get("headers", [])
    }


def signature(scope: Message) -> tuple[str, str] | None:
    """Return the access key and service of a signed request, None for one that is not.

    S3 counts as unsigned here: its bodies pass unread, for their size.
    """
    found = _CREDENTIAL.search(_headers(scope).get("authorization", ""))
    return None if found is None or found[2] == "s3" else (found[1], found[2])


def access_key_of(scope: Message) -> str:
    """The access key that a request is signed with; empty where it is not signed."""
    found = signature(scope)
    return found[0] if found else ""


async def read_body(receive: Receive) -> bytes:
    """Read a request's body to its end."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)
