"""Lay rows of text out in columns that fit a width; ten times as fast as a table of rich."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_GAP = 2
_LEAST = 6

_WRAPPER = Console(file=io.StringIO(), width=_LEAST)  # wrapping asks for one; nothing is printed


def layout(
    rows: Sequence[Sequence[str]], width: int, least: Sequence[int] = ()
) -> Iterator[list[str]]:
    """Yield each row as the lines it takes, with columns aligned and long cells folded.

    The widest columns give way first, none below its `least`, or six cells: a screen yet narrower
    wraps.
    """
    columns = list(zip(*rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    widths = _fit(widths, width, least or [_LEAST] * len(columns))
    for row in rows:
        folded = [_fold(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        yield [
            (" " * _GAP).join(map(_pad, line, widths)).rstrip()
            for line in zip_longest(*folded, fillvalue="")
        ]


def whole_words(rows: Sequence[Sequence[str]]) -> list[int]:
    """How wide each column has to be at least, so that no word in it is broken."""
    return [
        max((cell_len(word) for cell in column for word in cell.split()), default=0)
        for column in zip(*rows, strict=True)
    ]


def unbroken(rows: Sequence[Sequence[str]], width: int) -> Iterator[list[str]]:
    """Yield each row, titles first, as the lines it takes, and break no word (an id, say).

    Columns for which there is no room stand below their row, each behind its title. A word longer
    than the width is left to the screen to wrap, so that it can be copied whole.
    """
    least = whole_words(rows)
    beside = list(range(len(least)))
    while len(beside) > 1 and room_for([least[place] for place in beside]) > width:
        beside.remove(max(beside, key=lambda place: least[place]))
    below = [(place, title) for place, title in enumerate(rows[0]) if place not in beside]
    kept = [[row[place] for place in beside] for row in rows]
    lines = layout(kept, width, [least[place] for place in beside])
    yield next(lines)
    for row, told in zip(rows[1:], lines, strict=True):
        yield told + [line for at, title in below for line in _below(title, row[at], width)]


def _below(title: str, cell: str, width: int) -> list[str]:
    if not cell:
        return []
    indent = " " * _GAP
    return textwrap.wrap(
        f"{title} {cell}",
        width,
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_long_words=False,
        break_on_hyphens=False,
    )


def room_for(widths: Sequence[int]) -> int:
    """How wide a screen has to be for columns of these widths."""
    return sum(widths) + _GAP * (len(widths) - 1)


def _fit(widths: list[int], width: int, least: Sequence[int]) -> list[int]:
    while room_for(widths) > width:
        spare, widest = max(
            (wide if wide > low else 0, place)
            for place, (wide, low) in enumerate(zip(widths, least, strict=True))
        )
        if not spare:
            break
        widths[widest] -= 1
    return widths


def _fold(cell: str, limit: int) -> list[str]:
    if cell_len(cell) <= limit:
        return [cell]
    return [line.plain for line in Text(cell).wrap(_WRAPPER, limit, overflow="fold")]


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - cell_len(cell))
