"""The deployed code runs on every Python that it claims, from the oldest to the newest runtime."""

from __future__ import annotations

import ast
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

from straywatch.deploy.packaging import PYTHONS, SOURCES
from straywatch.deploy.template import assemble

OLDEST, NEWEST = (3, 11), (3, 14)
"""What the deployed code claims."""

GONE = {
    "aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils",
    "imghdr", "imp", "lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes",
    "smtpd", "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
}  # fmt: skip
"""Modules that 3.12 and 3.13 took out: their pages "What's New", under Removed."""

GONE_NAMES = {
    "ast": {"Bytes", "Ellipsis", "NameConstant", "Num", "Str"},
    "asyncio": {"get_event_loop_policy", "set_event_loop_policy"},
    "datetime": {"utcnow", "utcfromtimestamp"},
    "importlib": {"find_loader"},
    "pkgutil": {"find_loader", "get_loader", "ImpImporter", "ImpLoader"},
    "unittest": {"makeSuite", "findTestCases"},
    "urllib.request": {"URLopener", "FancyURLopener"},
}
"""Names that 3.12 to 3.14 took out or are about to, by module."""

DEPLOYED = [SOURCES / "app.py", *sorted((SOURCES / "chalicelib").rglob("*.py"))]


@pytest.mark.parametrize("path", DEPLOYED, ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_deployed_module_is_read_by_the_oldest_and_the_newest(path: Path) -> None:
    """No newer grammar, nothing that newer versions warn of, no module that they lack."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=OLDEST)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile(source, str(path), "exec", dont_inherit=True)
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _modules(node)
    }
    assert imported & GONE == set()
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert used & set().union(*GONE_NAMES.values()) == set()


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names]


def test_the_runtime_that_is_pinned_is_one_that_is_claimed() -> None:
    """Whoever packs, on whatever Python: all functions run on this one."""
    resources = assemble()["Resources"].values()
    (runtime,) = {
        each["Properties"]["Runtime"]
        for each in resources
        if each["Type"] == "AWS::Serverless::Function"
    }
    version = tuple(map(int, runtime.removeprefix("python").split(".")))
    assert OLDEST <= version <= NEWEST
    assert version >= (3, 13), "Lambda's 3.11 ends in June 2027, 3.12 in October 2028"


def test_what_is_claimed_is_what_packs_and_what_the_linter_goes_by() -> None:
    """One range, wherever it is said."""
    settings = tomllib.loads((SOURCES / "pyproject.toml").read_text())
    assert settings["project"]["requires-python"].startswith(">=3.11")
    assert settings["tool"]["ruff"]["target-version"] == "py311"
    assert {OLDEST, NEWEST} <= set(PYTHONS)
    assert sys.version_info[:2] >= OLDEST
