"""Copies of the product under other names, in which one thing is replaced by another.

The thing is found by its name, wherever it stands; one that is not there any more is an error, so
that no copy can quietly remain the product itself.
"""

from __future__ import annotations

import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.simulation.product import PACKAGE, ROOT, Product, product

_NAME = re.compile(rf"\b{PACKAGE}\b")


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy of the product of its own, to be broken."""

    product: Product
    modules: tuple[ModuleType, ...]

    def find(self, path: str) -> Any:
        """What is defined under a name such as `Lifecycle.open`. Raises LookupError."""
        holder, name = self._place(path)
        return vars(holder)[name]

    def fields(self, path: str, *names: str) -> None:
        """See to it that a class has fields. Raises LookupError."""
        missing = set(names) - {field.name for field in fields(self.find(path))}
        if missing:
            raise LookupError(f"{path} has no {', '.join(sorted(missing))}")

    def breaks(self, path: str, broken: Callable[[Any], Any]) -> None:
        """Put `broken(what is there)` in the place of a function or method, for all who use it."""
        holder, name = self._place(path)
        there = vars(holder)[name]
        instead = broken(there)
        setattr(holder, name, instead)
        for module in (*self.modules, self.product.app):
            for known_as, value in tuple(vars(module).items()):
                if value is there:
                    setattr(module, known_as, instead)

    def _place(self, path: str) -> tuple[ModuleType | type, str]:
        """The module or class that defines it, and its name there."""
        places = [place for module in self.modules for place in _places(module, path)]
        if len(places) != 1:
            raise LookupError(f"{path} is defined {len(places)} times in the product, not once")
        return places[0]


def _places(module: ModuleType, path: str) -> Iterator[tuple[ModuleType | type, str]]:
    owner, _, last = path.rpartition(".")
    for name, value in vars(module).items():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        full = f".{module.__name__}.{name}"
        if full.endswith(f".{path}"):
            yield module, name
        elif inspect.isclass(value) and full.endswith(f".{owner}") and last in vars(value):
            yield value, last


def copied(package: str, folder: Path) -> Copy:
    """The product under another package name, every module of it loaded."""
    for source in (ROOT / PACKAGE).rglob("*.py"):
        place = folder / package / source.relative_to(ROOT / PACKAGE)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(_NAME.sub(package, source.read_text()))
    entry = folder / f"{package}_app.py"
    entry.write_text(_NAME.sub(package, (ROOT / "app.py").read_text()))
    sys.path.insert(0, str(folder))
    try:
        found = product(package, entry)
        names = pkgutil.walk_packages(import_module(package).__path__, f"{package}.")
        return Copy(found, tuple(import_module(each.name) for each in names))
    finally:
        sys.path.remove(str(folder))
