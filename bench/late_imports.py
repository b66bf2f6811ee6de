"""What each deployed function imports only once it is called, read from app.py and bootstrap.py.

An entry point names what it wants of the deployment; each part of the deployment imports what no
other function should pay for, and names the parts that it is made of.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path


def late_imports(sources: Path) -> Mapping[str, tuple[str, ...]]:
    """The modules that each function imports late, by the function's name."""
    parts = _functions(sources / "chalicelib" / "bootstrap.py", inside="Deployment")
    return {
        name: tuple(sorted(_imports(parts, _attributes(entry, "deployment"))))
        for name, entry in _functions(sources / "app.py").items()
    }


def _functions(path: Path, inside: str = "") -> Mapping[str, ast.FunctionDef]:
    """The functions of a module, or those of one of its classes, by name."""
    body: list[ast.stmt] = ast.parse(path.read_text()).body
    if inside:
        (body,) = (n.body for n in body if isinstance(n, ast.ClassDef) and n.name == inside)
    return {node.name: node for node in body if isinstance(node, ast.FunctionDef)}


def _imports(parts: Mapping[str, ast.FunctionDef], wanted: set[str]) -> set[str]:
    """What these parts of the deployment import, and the parts that they are made of."""
    found: set[str] = set()
    seen: set[str] = set()
    while wanted := (wanted & parts.keys()) - seen:
        seen |= wanted
        for part in (parts[name] for name in tuple(wanted)):
            found |= {n.module or "" for n in ast.walk(part) if isinstance(n, ast.ImportFrom)}
            wanted |= _attributes(part, "self")
    return found


def _attributes(function: ast.FunctionDef, holder: str) -> set[str]:
    """The attributes of `holder` that a function uses."""
    return {
        node.attr
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == holder
    }
