"""How the remediation commands print: tables that no name can break, files, progress on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 160
"""Columns where the output is not a terminal."""

QUIET_SECONDS = 1.0
"""Work shorter than this says nothing."""


def safe(text: object) -> str:
    """The text with everything that could steer a terminal shown as an escape."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print one table on stdout; nothing if it has no rows."""
    table = Table(title=Text(safe(title)), title_justify="left", show_lines=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    if table.row_count:
        width = None if sys.stdout.isatty() else PIPE_WIDTH
        Console(file=sys.stdout, width=width, highlight=False).print(table)


def say(text: str) -> None:
    """Print one line on stdout."""
    click.echo(safe(text))


def write(text: str, path: Path | None) -> None:
    """Write a document to a file, or to stdout if there is none."""
    if path is None:
        click.echo(text, nl=False)
    else:
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path}", err=True)


class Progress:
    """Says on stderr what is going on: at most once a second, and not in the first second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def __call__(self, text: str) -> None:
        """Note one step of the work."""
        now = self._clock()
        if now - self._last >= QUIET_SECONDS:
            self._last = now
            click.echo(f"straywatch: {safe(text)}", err=True)
