"""The product under watch: a copy of it that tells which rows of the decision a history reached."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.simulation.copies import copied
from tests.simulation.product import Product

Cell = tuple[str, str]
"""A row of the decision, and what asked for it."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The product, the rows that its decision has, and how often each was reached so far."""

    product: Product
    rows: tuple[str, ...]
    reached: Counter[Cell] = field(default_factory=Counter)

    def drain(self) -> Counter[Cell]:
        """What was reached since the last time."""
        found = Counter(self.reached)
        self.reached.clear()
        return found


@cache
def witness() -> Witness:
    """The product under watch, loaded once for each process."""
    with TemporaryDirectory() as folder:
        copy = copied("watched", Path(folder))
    found = Witness(copy.product, tuple(str(row) for row in copy.find("decision.Row")))
    copy.breaks("decision.decide", lambda decide: _noting(decide, found.reached))
    return found


def _noting(decide: Callable[..., Any], reached: Counter[Cell]) -> Callable[..., Any]:
    @functools.wraps(decide)
    def noted(seen: Any, *rest: Any, **named: Any) -> Any:
        decision = decide(seen, *rest, **named)
        reached[str(decision.row), str(seen.origin)] += 1
        return decision

    return noted
