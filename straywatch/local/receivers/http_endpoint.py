"""A small HTTP server on 127.0.0.1 that hands each POST to a receiver, for a `with` block."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from straywatch.terminal.ports import HOST, HttpServer

_LONGEST_BODY = 1_000_000


@dataclass(frozen=True)
class EndpointResponse:
    """What a receiver answers: a body of bytes as it is, any other as JSON."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


Receive = Callable[[Mapping[str, str], bytes], EndpointResponse]
"""Takes a request's headers, by lower-case name, and its body."""


@contextmanager
def serving(receive: Receive) -> Iterator[str]:
    """Serve on a free port; gives the address without a path."""

    class Handler(_Handler):
        """The handler of this server."""

        take = staticmethod(receive)

    server = HttpServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    take: Receive
    server_version = "straywatch"
    sys_version = ""

    def do_POST(self) -> None:
        """Hand over the body; a page in a browser gets nowhere."""
        length = int(self.headers.get("Content-Length") or 0)
        if "Origin" in self.headers or length > _LONGEST_BODY:
            self._answer(EndpointResponse(403))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._answer(self.take(headers, self.rfile.read(length)))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Keep quiet."""

    def _answer(self, answer: EndpointResponse) -> None:
        body = answer.body if isinstance(answer.body, bytes) else _as_json(answer.body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _as_json(body: object) -> bytes:
    return b"" if body is None else json.dumps(body).encode()
