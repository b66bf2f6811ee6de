"""The channels that there are, by what lies in the tree: no list has to be kept."""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import chalicelib.channels
from straywatch.deploy.template import FRAGMENTS, assemble

_CONFIG = Path(__file__).resolve().parents[1] / ".chalice" / "config.json"

CHANNELS = [each.name for each in pkgutil.iter_modules(chalicelib.channels.__path__) if each.ispkg]
"""The packages in chalicelib/channels."""


def logical_id(function: str) -> str:
    """A function's name in the template, as Chalice makes it."""
    return "".join(word.title() for word in function.split("_"))


_RESOURCES = assemble(FRAGMENTS / "channels")["Resources"]
FUNCTIONS = sorted(
    name
    for name in json.loads(_CONFIG.read_text())["stages"]["dev"]["lambda_functions"]
    if "Condition" in _RESOURCES.get(logical_id(name), {})
)
"""The functions that only some deployments have: one for each channel."""


def settings() -> Iterator[str]:
    """The variables that channels read, next to those that every function has."""
    for channel in CHANNELS:
        module = importlib.import_module(f"chalicelib.channels.{channel}.relay")
        for name, kind in vars(module).items():
            if name.endswith("Settings") and is_dataclass(kind):
                yield from (field.name.upper() for field in fields(kind))
