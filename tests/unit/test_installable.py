"""What a wheel declares is what its code imports, so that an install gives every command."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

import chalicelib
from straywatch.deploy.template import assemble

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = {"straywatch", "chalicelib"}
NAMES = {
    "botocore": "boto3",
    "cfnlint": "cfn-lint",
    "samtranslator": "aws-sam-translator",
    "yaml": "pyyaml",
}
"""Modules whose package has another name, or brings them along for good."""


def _named(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[ ]", each)[0].lower() for each in requirements}


def _imported(paths: Iterable[Path]) -> set[str]:
    """The packages that modules import, at the top or when they run."""
    found: set[str] = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    foreign = found - OURS - set(sys.stdlib_module_names)
    return {NAMES.get(name, name) for name in foreign if not name.startswith("mypy_boto3_")}


DECLARED = _named(PROJECT["dependencies"])
EXTRA = _named(PROJECT["optional-dependencies"]["local"])
MODULES = {*(ROOT / "straywatch").rglob("*.py"), *(ROOT / "chalicelib").rglob("*.py")}
OF_LOCAL = {
    *(ROOT / "straywatch" / "local").rglob("*.py"),
    ROOT / "straywatch" / "alert_path" / "sns_message.py",  # for who receives alerts, as it does
}


def test_every_command_but_local_finds_what_it_imports() -> None:
    """Without any extra."""
    assert _imported(MODULES - OF_LOCAL) <= DECLARED


def test_local_finds_what_it_imports() -> None:
    """With the extra `local`."""
    assert _imported(OF_LOCAL) <= DECLARED | EXTRA


_EACH_HELP = """
import sys
sys.modules |= dict.fromkeys(sys.argv[1:])  # to import one of these fails
from straywatch.cli import COMMANDS, run
sys.exit(sum(run([name, "--help"]) for name in COMMANDS))
"""


def test_every_command_explains_itself_without_the_extra() -> None:
    """`straywatch local --help`, too; without it the command itself says what to install."""
    ended = subprocess.run(
        [sys.executable, "-c", _EACH_HELP, *sorted(EXTRA)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_template_tells_the_version_of_the_code() -> None:
    """So that a command of another version can say so."""
    assert assemble()["Outputs"]["Version"]["Value"] == chalicelib.__version__


WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_runs_what_was_reviewed_with_no_more_than_it_needs(path: Path) -> None:
    """Actions by commit, with the release's name behind; no permission that no job asks for."""
    text = path.read_text(encoding="utf-8")
    used = [line for line in text.splitlines() if "uses:" in line]
    assert used
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line
    assert yaml.safe_load(text)["permissions"] == {}
    assert "secrets." not in text


def test_a_release_is_what_make_release_writes() -> None:
    """Nothing is built, or listed, a second way."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    steps = yaml.safe_load(text)["jobs"]["build"]["steps"]
    assert [step["run"] for step in steps if "release" in step.get("run", "")] == ["make release"]
    assert steps[-1]["with"]["path"] == "build/release/"
