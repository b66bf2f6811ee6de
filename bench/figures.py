"""A measured figure, and the one table that shows them all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """What was measured, what came out, and what it is held against."""

    what: str
    value: str
    against: str = ""


def show(figures: Iterable[Figure], console: Console) -> None:
    """Print figures as one table."""
    table = Table("figure", "measured", "against", title="straywatch bench")
    for figure in figures:
        table.add_row(figure.what, figure.value, figure.against)
    console.print(table)
