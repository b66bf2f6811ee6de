"""Which tests can see a fault in a module: those that import it, themselves or by their helpers.

Unit tests, and of flows also those against an AWS in memory, which are slow; and those that bear
the module's name. If there are none, those that import what imports it. So a score says what is
caught by tests that are about the module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def choose(modules: Iterable[Path]) -> list[str]:
    """The test modules for these modules."""
    return sorted({test for module in modules for test in _of_module(_name(module))})


def _of_module(module: str) -> list[str]:
    folders = ["unit", *(["adapters"] if ".flows." in module else [])]
    for far in (1, 2):
        found = (path for each in folders for path in (ROOT / "tests" / each).rglob("test_*.py"))
        named = f"test_{module.rsplit('.', maxsplit=1)[-1]}"
        if seeing := [p for p in found if p.stem == named or _leads(_name(p), module, far)]:
            return [str(path) for path in seeing]
    return []


def _leads(module: str, wanted: str, far: int) -> bool:
    """Whether a test leads to the module that is wanted by so many imports at most."""
    reached = {module} | {each for each in _imported(module) if each.startswith("tests.unit.")}
    for _ in range(far):
        reached = {each for importer in reached for each in _imported(importer)}
        if wanted in reached:
            return True
    return False


@cache
def _imported(module: str) -> frozenset[str]:
    path = ROOT / (module.replace(".", "/") + ".py")
    if not path.exists():
        return frozenset()
    return frozenset(_of(ast.parse(path.read_text(encoding="utf-8"))))


def _of(tree: ast.Module) -> Iterator[str]:
    """What is imported, wherever; a name may itself be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)
