"""The local control API under /_straywatch/, for programs on this machine only.

It tells what was recorded, counted and mailed, and takes orders for the way of events and for
failures.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from straywatch.local.bridge.calls import Call, Calls, Fault
from straywatch.local.bridge.delivery import MODES, Deliveries, DeliveryPlan
from straywatch.local.bridge.exchange import Message, Receive, Send, read_body
from straywatch.local.bridge.throttle import Limit
from straywatch.local.emulator.iam_lag import Lag
from straywatch.local.emulator.iam_pages import Pages
from straywatch.local.emulator.mails import Mail
from straywatch.local.emulator.security_hub import SecurityHub

_LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class Control:
    """An ASGI application with one small JSON resource for each thing that can be asked."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        calls: Calls,
        journal: Iterable[Mapping[str, Any]],
        unlike: deque[str],
        mail: Iterable[Mail],
        security_hub: SecurityHub,
        certificate: bytes,
        hand_over_delayed: Callable[[], int],
        lag: Lag,
        pages: Pages,
    ) -> None:
        self._deliveries = deliveries
        self._calls = calls
        self._journal = journal
        self._mail = mail
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], object]] = {
            ("GET", "records"): lambda _: list(self._journal),
            ("GET", "unlike-aws"): lambda _: list(unlike),
            ("DELETE", "unlike-aws"): lambda _: unlike.clear(),
            ("GET", "mail"): lambda _: self._sent("email"),
            ("GET", "texts"): lambda _: self._sent("sms"),
            ("GET", "security-hub"): lambda _: list(security_hub.findings.values()),
            ("GET", "sns.pem"): lambda _: certificate,
            ("GET", "calls"): lambda _: _listed(self._calls.counts),
            ("GET", "behind"): lambda _: _listed(self._calls.behind),
            ("GET", "denials"): lambda _: _listed(self._calls.denials),
            ("DELETE", "calls"): lambda _: self._calls.forget(),
            ("GET", "events"): lambda _: {
                **asdict(self._deliveries.plan),
                "held": list(self._deliveries.held),
            },
            ("POST", "events"): self._plan,
            ("POST", "events/release"): self._release,
            ("POST", "throttle"): lambda order: calls.throttle.limits.append(Limit(**order)),
            ("DELETE", "throttle"): lambda _: calls.throttle.reset(),
            ("POST", "iam-lag"): lambda order: setattr(lag, "seconds", float(order["seconds"])),
            ("POST", "iam-pages"): lambda order: pages.set(**order),
            ("POST", "queues/hand-over"): lambda _: {"handed_over": hand_over_delayed()},
            ("DELETE", "events"): lambda _: self._deliveries.reset(),
            ("GET", "faults"): lambda _: [asdict(fault) for fault in self._calls.faults],
            ("POST", "faults"): self._order_fault,
            ("DELETE", "faults"): lambda _: self._calls.faults.clear(),
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        status, answer = self._answer(scope, await read_body(receive))
        kind = b"application/x-pem-file" if isinstance(answer, bytes) else b"application/json"
        headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        await send({"type": "http.response.body", "body": content})

    def _answer(self, scope: Message, body: bytes) -> tuple[int, object]:
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "").rsplit(":", 1)[0]
        if host not in _LOCAL_HOSTS or b"origin" in headers:
            # A page from elsewhere must not drive this server through the reader's browser.
            return 403, {"error": "for programs on this machine only"}
        route = self._routes.get((scope["method"], scope["path"].removeprefix("/_straywatch/")))
        if route is None:
            return 404, {"error": "no such resource"}
        try:
            return 200, route(_order(body))
        except (TypeError, ValueError) as error:  # of the wrong type, or misspelt
            return 400, {"error": str(error)}

    def _sent(self, protocol: str) -> list[dict[str, str]]:
        return [asdict(mail) for mail in self._mail if mail.protocol == protocol]

    def _plan(self, order: dict[str, Any]) -> None:
        mode = order.get("mode", "deliver")
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        self._deliveries.plan = DeliveryPlan(
            mode=mode,
            delay_seconds=float(order.get("delay_seconds", 0)),
            copies=int(order.get("copies", 1)),
        )

    def _release(self, order: dict[str, Any]) -> dict[str, int]:
        reverse, copies = bool(order.get("reverse")), int(order.get("copies", 1))
        return {"released": self._deliveries.release(reverse=reverse, copies=copies)}

    def _order_fault(self, order: dict[str, Any]) -> None:
        self._calls.faults.append(Fault(**order))


def _listed(counts: Mapping[Call, int]) -> list[dict[str, object]]:
    return [{**asdict(call), "count": count} for call, count in dict(counts).items()]


def _order(body: bytes) -> dict[str, Any]:
    order = json.loads(body or b"{}")
    if not isinstance(order, dict):
        raise TypeError("an order is a JSON object")
    return order
