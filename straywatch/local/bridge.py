"""The bridge from IAM calls to CloudTrail events, as a layer around the emulator's application."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

from straywatch.local.calls import Call, Calls, Fault
from straywatch.local.delivery import HELD_AT_MOST, Deliveries
from straywatch.local.limits import Refusal
from straywatch.local.records import Caller, Circumstances, cloudtrail_record, eventbridge_event
from straywatch.local.wire import Failed, UnknownActionError, decode_request, decode_response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/[^/]+/[^/]+/([^/]+)/aws4_request")
_UNAUTHENTICATED = frozenset(
    {
        "ExpiredToken",
        "IncompleteSignature",
        "InvalidAction",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
"""CloudTrail keeps no record of a call whose caller was never known, or that was no call."""


_DENIED = (b"AccessDenied", b"AuthorizationError")


@dataclass(frozen=True)
class Emulator:
    """What the bridge needs to know of the emulator; the seams provide it."""

    application: Application
    action_of: Callable[[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]], str | None]
    caller_of: Callable[[str], Caller | None]
    refusals_of: Callable[[Caller, str, Mapping[str, Any]], Sequence[Refusal]]


@dataclass
class Bridge:
    """An ASGI application: answers through the emulator, and tells the bus what IAM was asked."""

    emulator: Emulator
    deliveries: Deliveries
    calls: Calls
    control: Application
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    journal: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=HELD_AT_MOST))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection of any kind."""
        if scope["type"] == "http" and scope["path"].startswith("/_straywatch/"):
            await self.control(scope, receive, send)
            return
        signed = _signature(scope) if scope["type"] == "http" else None
        if signed is None:
            await self.emulator.application(scope, receive, send)
        else:
            await self._serve_call(
                _Exchange(scope, await read_body(receive), *signed), receive, send
            )

    async def _serve_call(self, exchange: _Exchange, receive: Receive, send: Send) -> None:
        caller = self.emulator.caller_of(exchange.access_key_id)
        action = self.emulator.action_of(*exchange.request()) or "unknown"
        call = Call(action, caller.arn if caller else "unknown")
        faults = self.calls.meet(call) or self._refusals(exchange, caller, action)
        answer = _Answer()
        if faults:
            await exchange.refuse(faults[0], self.new_id(), answer.keep)
        else:
            await self.emulator.application(exchange.scope, exchange.replay(receive), answer.keep)
        if answer.denied:
            self.calls.deny(call)
        if exchange.service == "iam" and caller:
            self._record(exchange, answer, caller)
        for message in answer.messages:
            await send(message)

    def _refusals(self, exchange: _Exchange, caller: Caller | None, action: str) -> list[Fault]:
        """Find what AWS would refuse, once the caller is known, and the emulator would not."""
        if caller is None:
            return []
        refusals = self.emulator.refusals_of(caller, action, exchange.parameters())
        return [Fault(action, r.code, 400, times=1, message=r.message) for r in refusals]

    def _record(self, exchange: _Exchange, answer: _Answer, caller: Caller) -> None:
        try:
            request = decode_request(exchange.body)
            reply = decode_response(request.action, answer.status, answer.headers, answer.body)
        except UnknownActionError:
            return
        if isinstance(reply.outcome, Failed) and reply.outcome.code in _UNAUTHENTICATED:
            return
        circumstances = Circumstances(
            at=self.now(),
            event_id=self.new_id(),
            request_id=reply.request_id,
            source_ip=(exchange.scope.get("client") or ("127.0.0.1",))[0],
            user_agent=exchange.headers.get("user-agent", ""),
        )
        record = cloudtrail_record(request, reply.outcome, caller, circumstances)
        self.journal.append(record)
        if not request.read_only:
            self.deliveries.offer(eventbridge_event(record, self.new_id()))


@dataclass
class _Exchange:
    """One signed request, read to its end."""

    scope: Message
    body: bytes
    access_key_id: str
    service: str

    @property
    def headers(self) -> dict[str, str]:
        return _headers(self.scope)

    def request(self) -> tuple[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]]:
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
class _Answer:
    """A whole response, kept back until the record of it is on its way."""

    messages: list[Message] = field(default_factory=list)

    async def keep(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return _headers(self.messages[0])

    @property
    def body(self) -> bytes:
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


def _signature(scope: Message) -> tuple[str, str] | None:
    """The access key and service a request is signed for; S3 bodies pass unread for their size."""
    found = _CREDENTIAL.search(_headers(scope).get("authorization", ""))
    return None if found is None or found[2] == "s3" else (found[1], found[2])


def access_key_of(scope: Message) -> str:
    """The access key that a request is signed with; empty where it is not signed."""
    found = _signature(scope)
    return found[0] if found else ""


async def read_body(receive: Receive) -> bytes:
    """Read a request's body to its end."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return b"".join(parts)
