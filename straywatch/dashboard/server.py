"""Serves the dashboard on 127.0.0.1: a page and its data as JSON; no request changes anything."""

from __future__ import annotations

import json
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from straywatch.alert_path.delivered import Delivered, Delivery
from straywatch.dashboard.forms import alert_forms, alert_row
from straywatch.dashboard.poller import Published
from straywatch.terminal.ports import HttpServer

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NO_SUCH = (404, "text/plain", "no such page\n")
_LONGEST_WAIT = 30.0  # seconds for a request that never ends

PageResponse = tuple[int, str, str]


@dataclass(frozen=True, kw_only=True)
class PageContent:
    """What the page shows: the newest view, a finding by its id, and on a local AWS the alerts."""

    current: Callable[[], Published]
    finding: Callable[[str], Mapping[str, Any] | None]
    alerts: Callable[[], Sequence[Delivered]] | None = None
    deliveries: Callable[[], Sequence[Delivery]] = tuple


@contextmanager
def serving(listener: socket.socket, shown: PageContent) -> Iterator[str]:
    """Serve on a listening socket for the length of a `with` block; gives the page's address."""
    host, port = listener.getsockname()

    class Handler(_Handler):
        """The handler of this server."""

        hosts = frozenset({f"{host}:{port}", f"localhost:{port}"})
        pages = _Pages(shown)

    server = HttpServer((host, port), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Pages:
    """What each path answers. `run` tells a page that it talks to another server than before."""

    def __init__(self, shown: PageContent) -> None:
        self._shown = shown
        self._run = secrets.token_hex(4)

    def answer(self, path: str, query: Mapping[str, list[str]]) -> PageResponse:
        """Answer a path that was asked for with these parameters."""
        routes: dict[str, Callable[[Mapping[str, list[str]]], PageResponse]] = {
            "/data.json": self._data,
            "/finding.json": self._finding,
        }
        if self._shown.alerts:
            routes |= {
                "/inbox.json": self._inbox,
                "/alert.json": self._alert,
                "/channels.json": self._channels,
            }
        if path in routes:
            return routes[path](query)
        return _static("index.html" if path == "/" else path.removeprefix("/"))

    def _data(self, query: Mapping[str, list[str]]) -> PageResponse:
        """The status always; the view and alerts only as far as the page lacks them."""
        published = self._shown.current()
        version = f"{self._run}.{published.version}"
        same_run = _first(query, "seen").partition(".")[0] == self._run
        answer: dict[str, Any] = {
            "now": int(time.time() * 1000),
            "read_at": published.read_at and int(published.read_at * 1000),
            "error": published.error,
            "version": version,
            "view": None if _first(query, "seen") == version else published.view,
            "inbox": None,
        }
        if self._shown.alerts:
            alerts = self._shown.alerts()
            known = _number(query, "alerts") if same_run else 0
            new = [alert_row(n, alert) for n, alert in enumerate(alerts) if n >= known]
            answer["inbox"] = {"from": known, "alerts": new}
        return _json(answer)

    def _finding(self, query: Mapping[str, list[str]]) -> PageResponse:
        found = self._shown.finding(_first(query, "id"))
        return _NO_SUCH if found is None else _json(found)

    def _inbox(self, _: Mapping[str, list[str]]) -> PageResponse:
        return _json([asdict(alert) for alert in self._alerts()])

    def _channels(self, _: Mapping[str, list[str]]) -> PageResponse:
        """What the receivers behind the channels really got."""
        return _json([asdict(delivery) for delivery in self._shown.deliveries()])

    def _alert(self, query: Mapping[str, list[str]]) -> PageResponse:
        alerts, number = self._alerts(), _number(query, "n")
        if number >= len(alerts):
            return _NO_SUCH
        alert = alerts[number]
        return _json({**alert_row(number, alert), "forms": alert_forms(alert)})

    def _alerts(self) -> Sequence[Delivered]:
        return self._shown.alerts() if self._shown.alerts else ()


class _Handler(BaseHTTPRequestHandler):
    hosts: frozenset[str]
    pages: _Pages
    server_version = "straywatch"
    sys_version = ""
    timeout = _LONGEST_WAIT

    def do_GET(self) -> None:
        """Answer; a name rebound to this machine, or another site's page, gets nothing."""
        parts = urlsplit(self.path)
        if self.headers.get("Host") not in self.hosts:
            self._answer(421, "text/plain", "this page is served to this machine only\n")
        elif not (self._is_of_this_page() or (parts.path == "/" and self._is_a_link_followed())):
            self._answer(403, "text/plain", "another site's page may not ask\n")
        else:
            self._answer(*self.pages.answer(parts.path, parse_qs(parts.query)))

    def _is_of_this_page(self) -> bool:
        """Whether the page itself asks, an address typed by hand, or a program."""
        return self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def _is_a_link_followed(self) -> bool:
        """Whether a person comes by a link from elsewhere, in a window of its own.

        That opens the empty page, which holds no data: what fills it only the page may ask for.
        """
        how = (self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest"))
        return how == ("navigate", "document")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002 - inherited names
        """Answer what is no GET, or no HTTP, with the same headers as everything else."""
        refused = 405 if code == 501 else code  # noqa: PLR2004 - http.server's for any method it lacks
        self.close_connection = True
        self._answer(refused, "text/plain", "only GET is answered\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited name
        """Keep quiet: stderr is for people."""

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _json(value: object) -> PageResponse:
    return 200, "application/json", json.dumps(value, separators=(",", ":"))


def _first(query: Mapping[str, list[str]], name: str) -> str:
    return query.get(name, [""])[0]


def _number(query: Mapping[str, list[str]], name: str) -> int:
    text = _first(query, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 - digits


def _static(name: str) -> PageResponse:
    text = _files().get(name)
    return _NO_SUCH if text is None else (200, _KINDS[name.rpartition(".")[2]], text)


@cache
def _files() -> Mapping[str, str]:
    """The page's own files, read once; nothing else can be asked for."""
    folder = files("straywatch.dashboard") / "static"
    return {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.is_file()}
