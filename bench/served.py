"""An account on a moto server of its own, and the counting proxy in front of it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import peers
from bench.counting_proxy import Traffic, counting


@dataclass(frozen=True)
class Served:
    """An account's server, the counting proxy in front of it, and what went through that."""

    straight: str
    proxied: str
    traffic: Traffic


@contextmanager
def account(server: Path, size: int) -> Iterator[Served]:
    """Serve an account of `size` users, and the counting proxy in front of it."""
    port = _free_port()
    command = [str(server), "-m", "bench.moto_account", str(port), str(size)]
    traffic = Traffic()
    with subprocess.Popen(command, cwd=peers.ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            with counting(port, traffic) as endpoint:
                yield Served(f"http://127.0.0.1:{port}", endpoint, traffic)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the moto server does not come up")
