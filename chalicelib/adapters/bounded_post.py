"""One HTTP POST that is over by a deadline, however its receiver dawdles, and follows no redirect.

A socket's own timeout bounds each read: a byte now and then holds it for ever. Here connecting,
the handshake, sending and every read take from one span of time. Only the lookup of the name has
bounds of its own, those of the system's resolver.
"""

from __future__ import annotations

import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

_LONGEST_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said; of a body longer than 64 KiB the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Post = Callable[[str, bytes, Mapping[str, str], float], Answer]
"""`post`, or what stands in for it."""


def post(url: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
    """Post to an https or http address, in so many seconds. A redirect is an answer like others.

    Goes through the proxy that HTTPS_PROXY names, unless NO_PROXY excepts the host.
    Raises OSError (TimeoutError among them) or HTTPException if no whole answer came.
    """
    parts = urlsplit(url)
    deadline = _Deadline(time.monotonic() + seconds)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = parts.hostname or ""
    with _secured(_reached(parts, port, deadline), host, parts.scheme, deadline) as opened:
        connection = HTTPConnection(host, port)
        connection.sock = _Bounded(opened, deadline)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, said, answer.read(_LONGEST_ANSWER))


@dataclass(frozen=True, slots=True)
class _Deadline:
    at: float

    def left(self) -> float:
        """The seconds that are left; raises TimeoutError if there are none."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left


def _reached(parts: SplitResult, port: int, deadline: _Deadline) -> socket.socket:
    """Connect to the host, or by a proxy; TLS is the host's own in either case."""
    host = parts.hostname or ""
    proxy = getproxies().get("https") if parts.scheme == "https" else None
    if not proxy or proxy_bypass(host):
        return _connected(host, port, deadline)
    through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    plain = _connected(through.hostname or "", through.port or 3128, deadline)
    try:
        _ask_through(plain, f"{host}:{port}", deadline)
    except BaseException:
        plain.close()
        raise
    return plain


def _ask_through(proxy: socket.socket, where: str, deadline: _Deadline) -> None:
    """Have a proxy connect us; read its answer byte by byte, since what follows is not its own."""
    proxy.settimeout(deadline.left())
    proxy.sendall(f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n\r\n".encode())
    answered = b""
    while not answered.endswith(b"\r\n\r\n") and len(answered) < _LONGEST_ANSWER:
        proxy.settimeout(deadline.left())
        byte = proxy.recv(1)
        if not byte:
            break
        answered += byte
    if answered.split(b" ", 2)[1:2] != [b"200"]:
        raise HTTPException(f"the proxy answered {answered[:60]!r}")


def _connected(host: str, port: int, deadline: _Deadline) -> socket.socket:
    """Connect to the first address that lets us, in what time there is for all of them."""
    problem = OSError("the name has no address")
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        found = socket.socket(family, kind, protocol)
        try:
            found.settimeout(deadline.left())
            found.connect(address)
        except OSError as error:
            found.close()
            problem = error
        else:
            return found
    raise problem


def _secured(plain: socket.socket, host: str, scheme: str, deadline: _Deadline) -> socket.socket:
    """Shake hands where the scheme asks for it: who has no certificate for the name gets nothing.

    The socket's timeout bounds the whole handshake, not each of its reads.
    """
    if scheme != "https":
        return plain
    plain.settimeout(deadline.left())
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


@dataclass(slots=True)
class _Bounded:
    """As much of a socket as http.client uses, each step within what is left."""

    socket: socket.socket
    deadline: _Deadline

    def sendall(self, data: bytes) -> None:
        """Send within what is left."""
        self.socket.settimeout(self.deadline.left())
        self.socket.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(_Reads(self.socket, self.deadline))

    def close(self) -> None:
        """Leave it to `post`: http.client lets go before it has read the body."""


class _Reads(io.RawIOBase):
    def __init__(self, source: socket.socket, deadline: _Deadline) -> None:
        self._source = source
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what BufferedReader hands in
        self._source.settimeout(self._deadline.left())
        return self._source.recv_into(buffer)
