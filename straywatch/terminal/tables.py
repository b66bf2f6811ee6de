"""Tables and lines for people, on a terminal of any width or in a pipe.

What others wrote is shown, never obeyed: neither as markup nor as a terminal sequence.
"""

from __future__ import annotations

import csv
import io
import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from straywatch.terminal.columns import room_for, unbroken
from straywatch.text import visible

_UNBOUNDED = 100_000
"""Columns of a pipe: a reader that is a program wants each row on one line."""

_COMMAND = re.compile(r"`[^`]+`")
_NO_BREAK = (
    "\ue000"  # of a private area, one cell wide: it stands for a blank while text is wrapped
)

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at a cell's beginning.
https://owasp.org/www-community/attacks/CSV_Injection"""


def console(stream: TextIO | None = None) -> Console:
    """A console that keeps to NO_COLOR, COLUMNS, and the width of its terminal, if it is one.

    What is kept for a file has no colour, whatever FORCE_COLOR says.
    """
    stream = stream or sys.stdout
    kept = isinstance(stream, io.StringIO)
    on_terminal = stream.isatty()
    width = None if on_terminal or "COLUMNS" in os.environ else _UNBOUNDED
    return Console(
        file=stream,
        width=width,
        color_system=None if kept else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def cell(value: object, style: str = "") -> Text:
    """Anything as one cell; hostile characters come out escaped."""
    return value if isinstance(value, Text) else Text(visible(str(value)), style=style)


def print_table(
    out: Console, columns: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: str = ""
) -> None:
    """Print rows under their columns; those named in `numbers` (by spaces) stand to the right.

    Nothing is cut off, and no word (an id, say) is broken: on a narrow terminal long cells fold at
    blanks, and columns for which there is no room stand below their row.
    """
    listed = [list(map(cell, row)) for row in rows]
    plain = [list(columns), *([each.plain for each in row] for row in listed)]
    if room_for([max(map(cell_len, column)) for column in zip(*plain, strict=True)]) > out.width:
        for number, lines in enumerate(unbroken(plain, out.width)):
            out.print(Text("\n".join(lines), style="" if number else "bold"), soft_wrap=True)
        return
    table = Table(box=box.SIMPLE_HEAD if out.is_terminal else None, pad_edge=False, header_style="")
    right = set(numbers.split())
    for column in columns:
        title = Text(column, style="bold")
        table.add_column(title, overflow="fold", justify="right" if column in right else "left")
    for row in listed:
        table.add_row(*row)
    out.print(table)


def say(out: Console, text: str, style: str = "") -> None:
    """Print a line of prose, wrapped at words: never within one, nor within a `command`."""
    bound = _COMMAND.sub(lambda command: command[0].replace(" ", _NO_BREAK), visible(text))
    for line in Text(bound).wrap(out, out.width, overflow="ignore"):
        plain = line.plain.rstrip().replace(_NO_BREAK, " ")
        out.print(Text(plain, style=style), soft_wrap=True)


def say_whole(out: Console, text: str) -> None:
    """Print a line that is there to be copied, however long it is."""
    out.print(Text(visible(text)), soft_wrap=True)


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
