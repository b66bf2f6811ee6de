"""A proxy on 127.0.0.1 in front of an emulator: counts AWS calls, and breaks some on purpose."""

from __future__ import annotations

import http.client
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

_SERVICE = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_LISTINGS = ("ListUsers", "GetAccountAuthorizationDetails")
_MEMBERSHIPS = ("ListGroupsForUser", "GetAccountAuthorizationDetails")


class Fault(StrEnum):
    """What goes wrong behind the proxy."""

    NONE = "none"
    THROTTLED = "memberships throttled throughout"
    DENIED = "30th look at memberships denied"
    BROKEN = "list of users cut in half"


@dataclass
class Traffic:
    """The calls that were made, by service and action, and the fault that they meet."""

    fault: Fault = Fault.NONE
    calls: Counter[str] = field(default_factory=Counter)
    guard: threading.Lock = field(default_factory=threading.Lock)

    def start(self, fault: Fault = Fault.NONE) -> None:
        """Begin to count anew."""
        with self.guard:
            self.fault = fault
            self.calls = Counter()

    def count(self, service: str, action: str) -> int:
        """Count a call; returns how many of its kind there now were."""
        with self.guard:
            self.calls[f"{service}:{action}"] += 1
            return self.calls[f"{service}:{action}"]


@contextmanager
def counting(upstream: int, traffic: Traffic) -> Iterator[str]:
    """Forward to 127.0.0.1:`upstream` and count; yields the proxy's URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # On a connection that stays open, a body sent after its headers waits for the client's
        # delayed acknowledgement: 40 ms for each call. So both go at once; and where an answer is
        # longer than the buffer, its end does not wait, either.
        wbufsize = -1
        disable_nagle_algorithm = True

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            signed = _SERVICE.search(self.headers.get("Authorization", ""))
            service = signed[1] if signed else "?"
            named = parse_qs(body.decode(errors="replace")).get("Action")
            action = named[0] if named else self.headers.get("X-Amz-Target", self.path)
            number = traffic.count(service, action)
            refusal = _refusal(traffic.fault, action, number)
            status, kind, answer = refusal or self.ask(body)
            if traffic.fault is Fault.BROKEN and action in _LISTINGS:
                answer = answer[: len(answer) // 2]
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET = do_PUT = do_DELETE = do_HEAD = forward  # noqa: N815 - http.server's names

        def ask(self, body: bytes) -> tuple[int, str, bytes]:
            link = http.client.HTTPConnection("127.0.0.1", upstream, timeout=120)
            headers = dict(self.headers)
            link.request(self.command, self.path, body, headers)
            answer = link.getresponse()
            kind = answer.getheader("Content-Type", "text/xml")
            return answer.status, kind, answer.read()

        def log_message(self, *_: object) -> None:
            """Say nothing: thousands of calls come."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _refusal(fault: Fault, action: str, number: int) -> tuple[int, str, bytes] | None:
    if action not in _MEMBERSHIPS:
        return None
    if fault is Fault.THROTTLED:
        return _error(400, "Throttling", "Rate exceeded")
    if fault is Fault.DENIED and number == 30:
        return _error(403, "AccessDenied", "not authorized")
    return None


def _error(status: int, code: str, message: str) -> tuple[int, str, bytes]:
    said = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, "text/xml", f"<ErrorResponse>{said}</ErrorResponse>".encode()
