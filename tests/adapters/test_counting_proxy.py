"""The proxy that counts a tool's calls for the bench."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from bench.counting_proxy import Fault, Traffic, counting
from tests.adapters import fake_endpoint

_ACTION = "ListGroupsForUser"
_LOOK = f"Action={_ACTION}&UserName=alice".encode()
_CALLS = 40
"""Calls on one connection. A TCP stack acknowledges the first dozen or so at once, then delays."""


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.THROTTLED])
def test_each_answer_arrives_in_one_piece(fault: Fault) -> None:
    """No call waits for an acknowledgement, so tools with many calls are not made to look slow."""
    traffic = Traffic(fault)
    with (
        fake_endpoint.serving(lambda action, _: fake_endpoint.result(action, "<Groups/>")) as aws,
        counting(_port(aws), traffic) as url,
        socket.create_connection(("127.0.0.1", _port(url)), timeout=30) as client,
    ):
        for _ in range(_CALLS):
            answer = _call(client)
            assert answer.startswith(b"HTTP/1.1 ")
            assert answer.endswith(b"Response>")

    assert traffic.calls == {f"?:{_ACTION}": _CALLS}


def _call(client: socket.socket) -> bytes:
    """Make one call; returns what is there as soon as anything is."""
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(_LOOK)}\r\n\r\n"
    client.sendall(head.encode() + _LOOK)
    return client.recv(1_000_000)


def _port(url: str) -> int:
    return urlsplit(url).port or 0
