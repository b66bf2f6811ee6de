"""Ports on this machine, for pages and servers that nobody else shall reach."""

from __future__ import annotations

import socket
import sys
from http.server import ThreadingHTTPServer
from typing import Any

from straywatch.errors import StraywatchError

HOST = "127.0.0.1"


class HttpServer(ThreadingHTTPServer):
    """Answers on threads; who hung up before the answer was out is no error."""

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - inherited
        """Print what went wrong, unless only the other side has gone."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


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
