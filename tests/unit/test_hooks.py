"""The hooks of pre-commit: the project's own checks, from its own environment."""

from __future__ import annotations

from pathlib import Path

import yaml

from scripts.checks import checks

ROOT = Path(__file__).resolve().parents[2]
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
HOOKS = [hook for repository in CONFIG["repos"] for hook in repository["hooks"]]


def test_hooks_download_nothing() -> None:
    """They run what is pinned in .venv, on a train as well."""
    assert [repository["repo"] for repository in CONFIG["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}
    assert [hook["entry"] for hook in HOOKS if not hook["entry"].startswith(".venv/bin/")] == []


def test_what_the_hooks_pass_the_checks_pass() -> None:
    """Each hook is a check of `make check` under the same name, by the same tool."""
    tools = {check.name: Path(check.command[0]).name for check in checks("")}
    hooks = {hook["id"]: Path(hook["entry"].split()[0]).name for hook in HOOKS}
    assert hooks.items() <= tools.items()
