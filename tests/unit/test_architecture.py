"""Who may import whom inside what is deployed: a pure core, thin edges."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "chalicelib"

EDGES = {
    "aliases",  # IAM: the account's alias
    "bootstrap",  # wires settings and clients
    "credential_report",  # IAM: what all users can sign in with
    "credentials",  # IAM: what a user can sign in with
    "iam",  # IAM: one user
    "iam_users",  # IAM: all users
    "items",  # DynamoDB: its typed items
    "pager",  # PagerDuty and Secrets Manager
    "parameters",  # SSM
    "queue",  # SQS
    "security_hub",  # Security Hub
    "tables",  # DynamoDB
    "topic",  # SNS
}
"""Modules that may know AWS; every other one is core, also those that come to be."""

ENVIRONMENT = {"os", "posix", "subprocess", "socket", "threading", "urllib.request", "http"}
"""Parts of the standard library that reach out of the process, or tie code to it."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module of the package by its dotted name below it, however deep its folder lies."""

CORE = sorted(MODULES.keys() - EDGES)


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, for types or for use."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively: say where from"
            yield node.module or ""


def unwelcome(name: str) -> bool:
    """Whether a core module must not import `name`."""
    top, _, rest = name.partition(".")
    if top == "chalicelib":
        return rest in EDGES or rest == ""
    return top not in sys.stdlib_module_names or name in ENVIRONMENT or top in ENVIRONMENT


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_the_standard_library_and_itself_only(module: str) -> None:
    """A core module can be read, tested and trusted without AWS, Chalice or the environment."""
    assert [name for name in imported(MODULES[module]) if unwelcome(name)] == []


def test_every_edge_exists() -> None:
    """The list of edges names no module that is gone, so that it cannot excuse a new one."""
    assert MODULES.keys() >= EDGES


def test_entry_points_know_chalice_and_the_monitor_only() -> None:
    """app.py holds entry points and nothing else, so it needs nothing else."""
    tops = {name.partition(".")[0] for name in imported(ROOT / "app.py")}
    assert tops <= {"chalice", "chalicelib", "typing", "dataclasses", "collections", "__future__"}


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("json", False),
        ("urllib.parse", False),
        ("chalicelib.account", False),
        ("os", True),
        ("os.path", True),
        ("urllib.request", True),
        ("boto3", True),
        ("mypy_boto3_iam", True),
        ("chalicelib.tables", True),
    ],
)
def test_the_rule_itself(name: str, *, refused: bool) -> None:
    """The rule lets pure modules through, and stops AWS, the environment and the edges."""
    assert unwelcome(name) is refused
