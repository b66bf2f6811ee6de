"""`straywatch dashboard`, `watch` and `report` as processes, over the deployed monitor."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from straywatch.deploy.packaging import SOURCES
from straywatch.local.emulator.process import LocalAws
from tests.e2e.local_stack import PATIENCE_SECONDS, LocalStack

STRAYWATCH = [sys.executable, "-m", "straywatch"]
PERIOD = ["--from", "2020-01-01", "--to", "2020-12-31"]


@contextmanager
def process(aws: LocalAws, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command against an emulator; kill it in the end if the test has not ended it."""
    with subprocess.Popen(
        [*STRAYWATCH, *arguments],
        cwd=SOURCES,
        env={**os.environ, **aws.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def run(aws: LocalAws, *arguments: str) -> tuple[int, str, str]:
    """Run a command to its end: exit code, standard output, standard error."""
    with process(aws, *arguments) as running:
        out, told = running.communicate(timeout=PATIENCE_SECONDS)
        return running.returncode, out, told


def test_the_dashboard_serves_the_account_until_told_to_stop(stack: LocalStack) -> None:
    """One ready line with the page's address; the page's data; a signal ends it with 0."""
    with process(stack.aws, "dashboard", "--port", "0") as dashboard:
        assert dashboard.stdout
        ready = re.fullmatch(
            r"ready: page=(http://127\.0\.0\.1:\d+/)\n", dashboard.stdout.readline()
        )
        assert ready, dashboard.stderr and dashboard.stderr.read()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (data := _json(f"{ready[1]}data.json"))["view"] is None:
            assert time.monotonic() < deadline, data
            time.sleep(0.1)
        dashboard.send_signal(signal.SIGTERM)
        _, told = dashboard.communicate(timeout=PATIENCE_SECONDS)

    assert data["view"]["deployment"]["stack"] == "straywatch"
    assert data["inbox"] is None
    assert dashboard.returncode == 0
    assert "Traceback" not in told


@pytest.mark.parametrize("command", [["dashboard", "--port", "0"], ["watch"], ["report", *PERIOD]])
def test_without_a_deployment_there_is_one_clear_line(aws: LocalAws, command: list[str]) -> None:
    """What is not deployed cannot be looked at: exit code 3, and the remedy."""
    code, out, told = run(aws, *command)

    assert (code, out) == (3, "")
    assert "there is no stack straywatch" in told
    assert "Traceback" not in told


def test_the_watch_tells_a_strays_story_in_lines(stack: LocalStack) -> None:
    """In a pipe: its event, its alert and its end, then a clean end on Ctrl-C."""
    name, group = stack.name("watched"), stack.name("group")
    stack.iam.create_group(GroupName=group)
    with process(stack.aws, "watch") as watch:
        assert watch.stdout
        stack.iam.create_user(UserName=name)
        stack.alert(name)
        stack.iam.add_user_to_group(UserName=name, GroupName=group)
        told: list[str] = []
        for line in watch.stdout:
            told += [line] if f" {name}:" in line else []
            if "resolved: joined" in line and name in line:
                break
        watch.send_signal(signal.SIGINT)
        _, errors = watch.communicate(timeout=PATIENCE_SECONDS)

    kinds = [line.split()[1] for line in told]
    assert kinds[0] == "event"
    assert kinds.index("alert") < kinds.index("resolve")
    assert (watch.returncode, errors) == (0, "")


def test_a_report_has_the_same_bytes_each_time_and_verifies(
    stack: LocalStack, tmp_path: Path
) -> None:
    """Made twice it is the same, and owns that nobody watched; verified it is intact."""
    for name in ("one.html", "two.html"):
        code, _, told = run(stack.aws, "report", *PERIOD, "--output", str(tmp_path / name))
        assert (code, "not monitored before" in told) == (3, True), told
    one, two = (tmp_path / name for name in ("one.html", "two.html"))
    intact = run(stack.aws, "report", "--verify", str(one))
    one_text = one.read_text()
    one.write_text(one_text.replace("account 0", "account 9", 1))

    assert two.read_text() == one_text
    assert intact[0] == 0
    assert "intact; SHA-256 " in intact[1]
    assert run(stack.aws, "report", "--verify", str(one))[0] == 1


@pytest.mark.parametrize(
    "arguments", [[], ["--from", "2026-01-01"], ["--from", "2026-02-01", "--to", "2026-01-01"]]
)
def test_a_report_needs_a_period(aws: LocalAws, arguments: list[str]) -> None:
    """Without one, or with one that runs backwards, it is wrong usage."""
    assert run(aws, "report", *arguments)[0] == 2


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 - our own page
        return json.load(answer)
