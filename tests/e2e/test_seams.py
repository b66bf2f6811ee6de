"""The private seams in ministack: a version that moved one stops at once, and says so."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

TRIED = "from straywatch.local.emulator import seams; print(seams.TRIED_VERSION); seams.verify()"


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in an interpreter of its own: ministack changes whatever process imports it."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_installed_version_is_the_one_that_was_tried() -> None:
    """All seams are there, and the pinned version is the one the bridge was tried with."""
    run = python(TRIED)

    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == version("ministack")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("from ministack.services import eventbridge as m; del m._dispatch_event", "_dispatch_ev"),
        ("from ministack.services import iam as m; del m._users", "ministack.services.iam._users"),
        (
            "from ministack.services import sns as m; m._fanout = lambda topic, message: None",
            "ministack.services.sns._fanout(topic, message)",
        ),
    ],
)
def test_a_changed_version_is_named_with_what_changed(change: str, named: str) -> None:
    """What is missing, or takes other parameters, is named in one line beside both versions."""
    run = python(f"{change}\n{TRIED}")

    message = run.stderr.strip().splitlines()[-1]
    assert run.returncode != 0
    assert f"ministack {version('ministack')} has changed" in message
    assert "tried with" in message
    assert named in message
