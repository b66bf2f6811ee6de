"""Ports on this machine, for pages and servers that nobody else shall reach."""

from __future__ import annotations

import socket

from straywatch.errors import StraywatchError

HOST = "127.0.0.1"


def listening_socket(port: int) -> socket.socket:
    """Listen on 127.0.0.1:`port` (0: any free one). Raises StraywatchError if it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise StraywatchError(
            f"cannot listen on {HOST}:{port}: {error.strerror}; choose another port (0: any free)"
        ) from error
    return listener
