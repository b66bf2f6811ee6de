"""Text made to fit so many columns of a terminal, as wide as its characters are."""

from __future__ import annotations

import io
from datetime import timedelta

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from chalicelib.times import spoken

NARROW = 60
"""Columns below which bars shrink, reasons go, and a log entry has its time on a line above it."""
_CONSOLE = Console(file=io.StringIO())  # what wraps text asks it for its width of a tab


def apart(left: Text, right: Text, width: int) -> Text:
    """One at the left, one at the right; the left one gives way."""
    room = width - right.cell_len - 2
    if room < 1:
        right.truncate(width, overflow="ellipsis")
        return right
    left.truncate(room, overflow="ellipsis", pad=True)
    return Text.assemble(left, "  ", right)


def wrapped(text: Text, width: int) -> list[Text]:
    """Lines of at most so many columns that hold all of it."""
    return list(text.wrap(_CONSOLE, max(1, width)))


def indented(line: Text, by: int) -> Text:
    """The line, so many columns further right."""
    return Text.assemble(" " * by, line)


def fitted(text: str, room: int) -> str:
    """Exactly so many columns of it."""
    return set_cell_size(cut(text, room), room)


def cut(text: str, room: int) -> str:
    """As much as there is room for; dots where it went on."""
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, room - 1).rstrip() + "\u2026" if room > 1 else ""


def age(length: timedelta) -> str:
    """In steps of a minute from ten minutes on, so that it does not flicker."""
    seconds = max(0, int(length.total_seconds()))
    return spoken(seconds // 60 * 60 if seconds >= 600 else seconds)  # noqa: PLR2004 - ten minutes
