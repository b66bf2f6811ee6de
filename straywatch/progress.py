"""Progress on stderr for work that takes more than a second, and silence otherwise."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

PATIENCE = 1.0
"""Seconds without a word before a bar appears."""


@contextmanager
def counting(
    what: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int], None]]:
    """Show how many of `what` are done; yields the function, safe in threads, that adds to it.

    Nothing is shown within the first second, nor where stderr is no terminal that redraws lines.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,}"),
        TimeElapsedColumn(),
        console=Console(file=stream or sys.stderr),
        transient=True,
    )
    task = bar.add_task(what, total=None)
    begun, guard = clock(), threading.Lock()
    shown = False

    def add(number: int) -> None:
        nonlocal shown
        with guard:
            bar.advance(task, number)
            if not shown and bar.console.is_interactive and clock() - begun > PATIENCE:
                shown = True
                bar.start()

    try:
        yield add
    finally:
        if shown:
            bar.stop()
