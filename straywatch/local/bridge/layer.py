"""The bridge from IAM calls to CloudTrail events, as a layer around the emulator's application."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from straywatch.local.bridge.calls import Call, Calls, Fault
from straywatch.local.bridge.delivery import HELD_AT_MOST, Deliveries
from straywatch.local.bridge.exchange import (
    Application,
    Exchange,
    HeldResponse,
    Message,
    Receive,
    Send,
    read_body,
    signature,
)
from straywatch.local.bridge.held_to_model import invalid, unlike_aws
from straywatch.local.bridge.limits import Refusal
from straywatch.local.bridge.protocols import UnreadError
from straywatch.local.bridge.records import (
    Caller,
    Circumstances,
    cloudtrail_record,
    eventbridge_event,
)
from straywatch.local.bridge.wire import Failed, decode_request, decode_response

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
    unlike: deque[str] = field(default_factory=lambda: deque(maxlen=HELD_AT_MOST))
    """Answers of the emulator that AWS could not have given."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection of any kind."""
        if scope["type"] == "http" and scope["path"].startswith("/_straywatch/"):
            await self.control(scope, receive, send)
            return
        signed = signature(scope) if scope["type"] == "http" else None
        if signed is None:
            await self.emulator.application(scope, receive, send)
        else:
            exchange = Exchange(scope, await read_body(receive), *signed)
            await self._serve_call(exchange, receive, send)

    async def _serve_call(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        caller = self.emulator.caller_of(exchange.access_key_id)
        action = self.emulator.action_of(*exchange.request()) or "unknown"
        call = Call(action, caller.arn if caller else "unknown")
        faults = self.calls.meet(call) or self._refusals(exchange, caller, action)
        answer = HeldResponse()
        if faults:
            await exchange.refuse(faults[0], self.new_id(), answer.keep)
        else:
            await self.emulator.application(exchange.scope, exchange.replay(receive), answer.keep)
            self.unlike.extend(unlike_aws(exchange, answer))
        if answer.denied:
            self.calls.deny(call)
        if exchange.service == "iam" and caller:
            self._record(exchange, answer, caller)
        for message in answer.messages:
            await send(message)

    def _refusals(self, exchange: Exchange, caller: Caller | None, action: str) -> list[Fault]:
        """Find what AWS would refuse, once the caller is known, and the emulator would not."""
        if caller is None:
            return []
        refusals = invalid(exchange) or self.emulator.refusals_of(
            caller, action, exchange.parameters()
        )
        return [Fault(action, r.code, 400, times=1, message=r.message) for r in refusals]

    def _record(self, exchange: Exchange, answer: HeldResponse, caller: Caller) -> None:
        try:
            request = decode_request(exchange.body)
            reply = decode_response(request.action, answer.status, answer.headers, answer.body)
        except UnreadError:
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
