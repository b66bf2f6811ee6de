"""What the remediation commands refuse before they ask AWS anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from straywatch.cli import run
from straywatch.remediation.files.planfile import dump_plan
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from tests.unit.remediation.samples import account, allow, user


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan file."""
    path = tmp_path / "plan.yaml"
    path.write_text(dump_plan(make_plan(account(user("a", allow("s3:*"))), Options())))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "--scope", "all"],
        ["plan", "--max-gain", "-1"],
        ["plan", "-o", "/nowhere/plan.yaml"],
        ["apply"],
        ["apply", "/nowhere"],
        ["apply", "PLAN", "-o", "x"],
        ["undo", "/nowhere"],
        ["undo", "PLAN"],
        ["verify", "/nowhere"],
        ["least-privilege", "--days", "0"],
    ],
)
def test_wrong_usage_exits_2_with_one_line(
    arguments: list[str], plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, nothing on stdout, one line on stderr."""
    assert run([str(plan) if a == "PLAN" else a for a in arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert told.err.startswith("straywatch: ")


@pytest.mark.parametrize("command", ["apply", "verify"])
def test_a_plan_that_is_no_text_is_wrong_usage(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody names an archive: one line says so, where exit code 1 would mean work to do."""
    path = tmp_path / "plan.zip"
    path.write_bytes(b"PK\x03\x04\xff\xfe")
    assert run([command, str(path)]) == 2
    assert "plan.zip is not UTF-8 text" in capsys.readouterr().err


def test_a_plan_prints_without_credentials(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline that has no access to the account can still turn a plan into commands."""
    assert run(["apply", str(plan), "--print", "cli"]) == 0
    assert "aws iam create-group --group-name=access-s3 --path=/" in capsys.readouterr().out
