"""A page on 127.0.0.1 that shows the inbox and what every channel has got.

For a browser at `/`, for programs at `/inbox.json` and `/channels.json`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from straywatch.local.channels import Delivery
from straywatch.local.inbox import Alert

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>Straywatch</title></head>
<body><h1>Straywatch: inbox of the alert topic</h1>
{alerts}
<h1>What the other channels have got</h1>
{channels}
</body></html>
"""


@contextmanager
def serving_page(
    listener: socket.socket,
    alerts: Callable[[], Sequence[Alert]],
    channels: Callable[[], Sequence[Delivery]] = tuple,
) -> Iterator[str]:
    """Serve `alerts` and `channels` on a listening socket for a `with` block; gives its address."""
    host, port = listener.getsockname()
    url = f"http://{host}:{port}/"

    channels_got = channels

    class Handler(_Handler):
        """The handler of this server."""

        hosts = frozenset({f"{host}:{port}", f"localhost:{port}"})
        inbox = staticmethod(alerts)
        channels = staticmethod(channels_got)

    server = ThreadingHTTPServer((host, port), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hosts: frozenset[str]
    inbox: Callable[[], Sequence[Alert]]
    channels: Callable[[], Sequence[Delivery]]
    server_version = "straywatch"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer with the page or its data; a name rebound to this machine gets neither."""
        if self.headers.get("Host") not in self.hosts:
            self._answer(421, "text/plain", "this page is served to this machine only\n")
        elif self.path == "/":
            listed = "\n".join(map(_entry, reversed(self.inbox()))) or "<p>No alert so far.</p>"
            got = "\n".join(map(_delivery, self.channels())) or "<p>Nothing so far.</p>"
            self._answer(200, "text/html", _PAGE.format(alerts=listed, channels=got))
        elif self.path == "/inbox.json":
            self._answer(200, "application/json", json.dumps([asdict(a) for a in self.inbox()]))
        elif self.path == "/channels.json":
            got = json.dumps([asdict(delivery) for delivery in self.channels()])
            self._answer(200, "application/json", got)
        else:
            self._answer(404, "text/plain", "no such page\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Keep quiet: stderr is for the story."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _entry(alert: Alert) -> str:
    return f"<h2>{escape(alert.subject)}</h2>\n<pre>{escape(alert.mail or alert.raw)}</pre>"


def _delivery(delivery: Delivery) -> str:
    title = escape(f"{delivery.channel}: {delivery.title}")
    return f"<details><summary>{title}</summary>\n<pre>{escape(delivery.text)}</pre></details>"
