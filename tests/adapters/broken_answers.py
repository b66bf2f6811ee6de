"""Answers that no AWS gives, put in the place of some answer of moto's, or sent over a socket."""

from __future__ import annotations

import io
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST
from moto.core.models import botocore_stubber

PAGE = b"<!DOCTYPE html><html><body><p>Please sign in to the proxy<br></body></html>"


def _of(status: int, body: bytes, kind: str = "text/html") -> Callable[..., AWSResponse]:
    def answer(request: AWSPreparedRequest) -> AWSResponse:
        headers = HTTPHeaders()
        headers["content-type"], headers["content-length"] = kind, str(len(body))
        return AWSResponse(request.url, status, headers, _Body(body))

    return answer


class _Body(io.BytesIO):
    """What urllib3 would have read from the wire."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Give it all at once."""
        yield self.getvalue()


def _half(request: AWSPreparedRequest) -> AWSResponse:
    whole = botocore_stubber("before-send", request=request)
    assert whole is not None
    body = whole.content
    return _of(200, body[: len(body) // 2], "text/xml")(request)


def _reset(request: AWSPreparedRequest) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


def _slow(request: AWSPreparedRequest) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url=request.url)


BREAKS: dict[str, Callable[[AWSPreparedRequest], AWSResponse]] = {
    "a page": _of(200, PAGE),
    "a well-formed page": _of(200, b"<html><body/></html>"),
    "a page of errors": _of(502, PAGE),
    "a page of another error": _of(403, PAGE),
    "nothing": _of(200, b""),
    "no error": _of(503, b""),
    "an empty object": _of(200, b"{}", "application/json"),
    "an empty list": _of(200, b"[]", "application/json"),
    "a list of errors": _of(500, b"[]", "application/json"),
    "null": _of(200, b"null", "application/json"),
    "deep JSON": _of(200, b"[" * 200_000, "application/json"),
    "empty XML": _of(200, b"<a/>", "text/xml"),
    "broken XML": _of(200, b"<a><b></a>", "text/xml"),
    "an XML error": _of(400, b"<e>&nothing;</e>", "text/xml"),
    "bytes": _of(200, bytes(range(256)) * 4, "application/octet-stream"),
    "a redirect": _of(302, b"", "text/html"),
    "half an answer": _half,
    "a reset": _reset,
    "no answer in time": _slow,
}
"""What breaks, by its name; each is given the request."""


class Breaker:
    """Answers the nth call of a process in moto's place, and all after it unless told otherwise."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._nth = self._last = sys.maxsize
        self._break: Callable[[AWSPreparedRequest], AWSResponse] = _reset
        BUILTIN_HANDLERS.append(("before-send", self, REGISTER_FIRST))

    def prepare(self, nth: int, how: str, *, once: bool = False) -> None:
        """Count anew, and break the nth call from here (1: the first)."""
        self.asked, self._nth, self._last = [], nth, nth if once else sys.maxsize
        self._break = BREAKS[how]

    def rest(self) -> None:
        """Count anew, and break nothing."""
        self.prepare(sys.maxsize, "nothing")

    def __call__(
        self, request: AWSPreparedRequest, event_name: str = "", **_: Any
    ) -> AWSResponse | None:
        """Answer, or leave it to moto."""
        self.asked.append(event_name)
        broken = self._nth <= len(self.asked) <= self._last
        return self._break(request) if broken else None


RAW: dict[str, bytes | None] = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "half a header": b"HTTP/1.1 200 OK\r\nContent-Le",
    "less than it says": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<a>",
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n<a/>",
    "bad chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n<a/>",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n<a/>",
    "a strange status": b"HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
    "nothing at all": b"",
    "a reset": None,
}
"""What comes over the wire; None is a reset."""


@contextmanager
def raw_endpoint(answer: bytes | None, pause: float = 0.0) -> Iterator[str]:
    """Send `answer` to whoever connects on 127.0.0.1, and hang up; yields the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return  # closed: the test is over
            with link:
                link.settimeout(5)
                link.recv(65536)
                for start in range(0, len(answer or b""), 16):
                    link.sendall((answer or b"")[start : start + 16])
                    time.sleep(pause)
                if answer is None:
                    link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
