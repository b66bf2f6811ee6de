"""Tables and lines for people, on a terminal of any width or in a pipe.

What others wrote is shown, never obeyed: neither as markup nor as a terminal sequence.
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from straywatch.text import visible

_UNBOUNDED = 100_000
"""Columns of a pipe: a reader that is a program wants each row on one line."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at a cell's beginning.
https://owasp.org/www-community/attacks/CSV_Injection"""


def console(stream: TextIO | None = None) -> Console:
    """A console that keeps to NO_COLOR, COLUMNS, and the width of its terminal, if it is one."""
    stream = stream or sys.stdout
    on_terminal = stream.isatty()
    width = None if on_terminal or "COLUMNS" in os.environ else _UNBOUNDED
    return Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


def cell(value: object, style: str = "") -> Text:
    """Anything as one cell; hostile characters come out escaped."""
    return value if isinstance(value, Text) else Text(visible(str(value)), style=style)


def print_table(
    out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: str = ""
) -> None:
    """Print rows under their columns; those named in `numbers` (by spaces) stand to the right.

    On a narrow terminal long cells fold onto further lines: nothing is cut off.
    """
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, header_style="")
    right = set(numbers.split())
    for column in columns:
        title = Text(column, style="bold")
        table.add_column(title, overflow="fold", justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    out.print(table)


def say(out: Console, text: str, style: str = "") -> None:
    """Print a line of prose, wrapped at words."""
    out.print(Text(visible(text), style=style))


def write_csv(
    stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object | None]]
) -> None:
    """Write rows as RFC 4180 has it, safe to open in a spreadsheet; None is an empty cell."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if value is None else _inert(str(value)) for value in row])


def _inert(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
