"""How the remediation commands print: titled tables, lines and documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click

from straywatch.terminal import files as output
from straywatch.terminal import tables
from straywatch.text import visible


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
