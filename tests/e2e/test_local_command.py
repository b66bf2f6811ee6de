"""`straywatch local` as a process: what a user or another program sees of it."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from straywatch.deploy.packaging import SOURCES
from straywatch.errors import EXIT_INCOMPLETE, EXIT_USAGE
from straywatch.terminal.ports import HOST, listening_socket

READY = re.compile(
    r"ready: endpoint=(http://127\.0\.0\.1:\d+) stack=straywatch region=us-east-1 page=(\S+)\n"
)
LOCAL = [sys.executable, "-m", "straywatch", "local"]
FREE_PORTS = ["--port", "0", "--page-port", "0"]
PATIENCE_SECONDS = 120

HOLD_AN_EMULATOR = """
from straywatch.local.emulator.process import running_emulator
with running_emulator() as aws:
    print(aws.endpoint, aws.log.parent, flush=True)
    input()
"""


@contextmanager
def process(arguments: list[str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command in the project; kill it in the end if the test has not ended it."""
    with subprocess.Popen(
        arguments,
        cwd=SOURCES,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def answers(endpoint: str) -> bool:
    """Whether anything listens at an endpoint."""
    port = int(endpoint.rsplit(":", 1)[1])
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_told_to_stop(number: signal.Signals) -> None:
    """One ready line, a deployed stack and a page behind it; a signal ends it cleanly with 0."""
    with process([*LOCAL, *FREE_PORTS]) as local:
        assert local.stdout
        ready = READY.fullmatch(local.stdout.readline())
        assert ready, local.stderr and local.stderr.read()
        endpoint, page = ready.groups()
        client = boto3.client(
            "cloudformation",
            endpoint_url=endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        stack = client.describe_stacks(StackName="straywatch")["Stacks"][0]
        inbox = json.loads(_text(f"{page}inbox.json"))
        local.send_signal(number)
        rest, told = local.communicate(timeout=PATIENCE_SECONDS)

    assert {output["OutputKey"] for output in stack["Outputs"]} >= {
        "AlertTopicArn",
        "FindingsTableName",
        "CheckQueueUrl",
        "DeadLetterQueueUrl",
    }
    assert inbox == []
    assert (local.returncode, rest) == (0, "")
    assert "Traceback" not in told
    assert not answers(endpoint)


def test_it_plays_the_whole_story_once() -> None:
    """`--once` ends with 0 when every expected alert, and no other, came."""
    with process([*LOCAL, *FREE_PORTS, "--grace", "4", "--once"]) as local:
        out, told = local.communicate(timeout=PATIENCE_SECONDS)

    assert local.returncode == 0, told
    assert READY.fullmatch(out)
    assert "$ aws iam create-user --user-name alice" in told
    assert "Every expected alert, and no other, came." in told


@pytest.mark.parametrize("option", ["--port", "--page-port"])
def test_a_port_that_is_taken_is_one_clear_line(option: str) -> None:
    """Nothing is packaged or deployed for a port that cannot be had."""
    other = "--page-port" if option == "--port" else "--port"
    with listening_socket(0) as taken:
        port = str(taken.getsockname()[1])
        with process([*LOCAL, option, port, other, "0"]) as local:
            out, told = local.communicate(timeout=PATIENCE_SECONDS)

    assert (local.returncode, out) == (EXIT_INCOMPLETE, "")
    last = told.strip().splitlines()[-1]
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in last
    assert "Traceback" not in told


def test_a_grace_too_short_for_the_story_is_wrong_usage() -> None:
    """Nobody could put a user in a group "in time" within a second."""
    with process([*LOCAL, *FREE_PORTS, "--grace", "1", "--once"]) as local:
        _, told = local.communicate(timeout=PATIENCE_SECONDS)

    assert local.returncode == EXIT_USAGE
    assert "the story needs a grace of 3 s or more" in told


def test_a_killed_parent_leaves_no_emulator_behind() -> None:
    """Even SIGKILL, which runs no cleanup, takes the emulator and its state along."""
    with process([sys.executable, "-c", HOLD_AN_EMULATOR]) as parent:
        assert parent.stdout
        endpoint, state = parent.stdout.readline().split()
        assert _text(f"{endpoint}/_ministack/health")
        parent.kill()
        parent.wait(PATIENCE_SECONDS)
        _wait_until_gone(endpoint, state)

    assert not answers(endpoint)


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - on this machine
        return str(answer.read(), "utf-8")


def _wait_until_gone(endpoint: str, state: str) -> None:
    """Wait for the emulator's end as its own log folder and port tell it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while answers(endpoint) or Path(state).exists():
        assert time.monotonic() < deadline, "the emulator outlived its parent"
        time.sleep(0.05)
