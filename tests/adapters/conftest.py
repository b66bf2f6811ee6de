"""The command line as its script runs it, in this process, without credentials of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from straywatch.cli import run as run_command

Straywatch = Callable[..., "Said"]


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def is_one_clear_line(self) -> bool:
        """Whether it failed as every command fails: one line on stderr, no traceback, no output."""
        return self.err.startswith("straywatch: ") and self.err.count("\n") == 1 and not self.out


@pytest.fixture
def straywatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Straywatch:
    """Run `straywatch` with arguments, and with environment variables as keywords."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name == "COLUMNS"]:
        monkeypatch.delenv(name)
    bare = {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }

    def start(*arguments: object, **environment: str) -> Said:
        for name, value in {**bare, **environment}.items():
            monkeypatch.setenv(name, value)
        code = run_command([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return start


@pytest.fixture
def keys() -> dict[str, str]:
    """Credentials and a region, which some endpoint of a test takes for good."""
    return {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
