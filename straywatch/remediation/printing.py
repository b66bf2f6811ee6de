"""How the remediation commands print: titled tables, documents, and progress for machines' logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import click

from straywatch.terminal import files as output
from straywatch.terminal import tables
from straywatch.terminal.text import visible

QUIET_SECONDS = 1.0
"""Work shorter than this says nothing."""


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a title and a table on stdout; nothing if there are no rows."""
    listed = list(rows)
    if listed:
        out = tables.console()
        tables.say(out, title, style="bold")
        tables.print_table(out, columns, listed)
        click.echo()


def say(text: str) -> None:
    """Print one line on stdout."""
    click.echo(visible(text))


def write(text: str, path: Path | None) -> None:
    """Write a document to a file, and say so on stderr; or to stdout if there is no path."""
    output.write(text, path)
    if path is not None:
        click.echo(f"straywatch: wrote {visible(str(path))}", err=True)


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
            click.echo(f"straywatch: {visible(text)}", err=True)
