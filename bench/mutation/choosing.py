"""Which tests can see a fault in a module: those that import it, or import what imports it.

Unit tests, if any imports the module itself; else also those against an AWS in memory, which are
slow. So a score says what tests catch that tell at once where the fault is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def choose(modules: set[Path]) -> list[str]:
    """The test modules for these modules."""
    wanted = {_name(path) for path in modules}
    chosen = _that_see(wanted, "unit", 2)
    unseen = {name for name in wanted if not _that_see({name}, "unit", 1)}
    return chosen + _that_see(unseen, "adapters", 2)


def _that_see(wanted: set[str], folder: str, far: int) -> list[str]:
    found = sorted((ROOT / "tests" / folder).rglob("test_*.py"))
    return [str(path) for path in found if _leads(_name(path), wanted, far)]


def _leads(module: str, wanted: set[str], far: int) -> bool:
    """Whether a module leads to one that is wanted by so many imports at most."""
    reached = {module}
    for _ in range(far):
        reached = {each for importer in reached for each in _imported(importer)}
        if reached & wanted:
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
