"""The code under test: the package that is deployed, with the real entry points of app.py.

A mutated copy is loaded beside it under another name, from a folder of its own.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "chalicelib"


class _InUse:
    """Stands for app.py's `deployment`: that of the container whose invocation is running."""

    def __init__(self, current: Callable[[], Any]) -> None:
        self._current = current

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)


@dataclass(slots=True)
class Product:
    """Entry points, and what they run in. `current` tells the running container's deployment."""

    app: ModuleType
    deployment: Callable[..., Any]

    def bind(self, current: Callable[[], Any]) -> None:
        """Have the entry points use the deployment that `current` returns."""
        self.app.deployment = _InUse(current)  # type: ignore[attr-defined]  # it is app.py's own

    def handler(self, function: str) -> Callable[[Any, Any], Any]:
        """The entry point of that name, called as Lambda calls it."""
        found: Callable[[Any, Any], Any] = getattr(self.app, function)
        return found


def product(package: str = PACKAGE, entry: Path = ROOT / "app.py") -> Product:
    """The product in `package`, with a fresh copy of the entry points in `entry`."""
    bootstrap = importlib.import_module(f"{package}.bootstrap")
    spec = spec_from_file_location(f"{package}_entry_points", entry)
    if spec is None or spec.loader is None:
        raise ImportError(f"{entry} cannot be loaded")
    app = module_from_spec(spec)
    sys.modules[spec.name] = app
    spec.loader.exec_module(app)
    return Product(app, bootstrap.Deployment)
