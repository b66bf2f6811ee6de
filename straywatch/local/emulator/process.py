"""Starts and stops the embedded AWS: one child process on 127.0.0.1, fresh each time."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from straywatch.errors import StraywatchError
from straywatch.local.emulator.client import ControlClient
from straywatch.local.emulator.session import (
    ACCESS_KEY_ID,
    ACCOUNT_ID,
    REGION,
    SECRET_ACCESS_KEY,
    LocalSession,
)
from straywatch.terminal.ports import HOST, listening_socket
from straywatch.text import one_line

_START_SECONDS = 60
_STOP_SECONDS = 10
_KEPT = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "LD_LIBRARY_PATH")
"""All of the parent's environment that the emulator and the functions in it may see."""


class EmulatorError(StraywatchError):
    """The embedded AWS could not start or did not stay up."""


@dataclass(frozen=True)
class LocalAws:
    """A running emulator."""

    endpoint: str
    process: subprocess.Popen[bytes]
    log: Path

    def session(
        self, access_key_id: str = ACCESS_KEY_ID, secret: str = SECRET_ACCESS_KEY
    ) -> LocalSession:
        """Return a session for this emulator; by default as the account's root."""
        return LocalSession(self.endpoint, access_key_id, secret)

    @property
    def control(self) -> ControlClient:
        """The emulator's control API."""
        return ControlClient(self.endpoint)

    def environment(self) -> dict[str, str]:
        """Return the variables with which any AWS client talks to this emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }

    def check_alive(self) -> None:
        """Raise EmulatorError if the process has ended by itself."""
        if self.process.poll() is not None:
            raise EmulatorError(f"the embedded AWS has ended: {_last_line(self.log)}")


@contextmanager
def running_emulator(port: int = 0, *, retry_seconds: float = 1.0) -> Iterator[LocalAws]:
    """Run an emulator on 127.0.0.1:`port` (0: any free one) for the length of a `with` block.

    `retry_seconds` is the first wait before a failed asynchronous invocation is tried again; on
    AWS it is a minute. Raises EmulatorError, one line, if the port is taken or the start fails.
    """
    state = Path(tempfile.mkdtemp(prefix="straywatch-local-"))
    try:
        with listening_socket(port) as listener:
            endpoint = f"http://{HOST}:{listener.getsockname()[1]}"
            process = _spawn(listener, state, retry_seconds)
        aws = LocalAws(endpoint, process, state / "emulator.log")
        try:
            _wait_until_healthy(aws)
            yield aws
        finally:
            _stop(process)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def _spawn(listener: socket.socket, state: Path, retry_seconds: float) -> subprocess.Popen[bytes]:
    descriptor = listener.fileno()
    with (state / "emulator.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "straywatch.local.emulator.server", str(descriptor)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=state,
            env=_environment(state, listener.getsockname()[1], retry_seconds),
            pass_fds=(descriptor,),
            # Its own group: Ctrl-C reaches us alone, and one signal reaches every function.
            start_new_session=True,
        )


def _environment(state: Path, port: int, retry_seconds: float) -> dict[str, str]:
    nothing = state / "none"
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "HOME": str(state),
        "TMPDIR": str(state),
        "PYTHONPATH": str(Path(__file__).parents[3]),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AUTH": "true",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(port),
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": str(retry_seconds),
        "LAMBDA_EXECUTOR": "local",
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str(nothing),
        "S3_DATA_DIR": str(nothing),
        # No listener but the one above, and no container of anybody's.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": f"unix://{nothing}",
    }


def _wait_until_healthy(aws: LocalAws) -> None:
    """Ask once: the socket already listens, so the question waits until the child answers it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{aws.endpoint}/_ministack/health", timeout=_START_SECONDS).close()
    except (urllib.error.URLError, OSError) as error:
        aws.check_alive()
        raise EmulatorError(f"the embedded AWS does not answer: {one_line(error)}") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    # Whatever is left of its group, functions included, has had its time.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return one_line(lines[-1]) if lines else "it left no message"
