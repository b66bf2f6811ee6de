"""A bar on stderr that shows which share of a long read is done."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

PATIENCE = 1.0
"""Seconds without a word before the bar appears."""


@contextmanager
def share_bar(
    doing: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[float], None]]:
    """Yield the function that is told the share done, from 0 to 1.

    Nothing is shown within the first second, nor where stderr is no terminal that redraws lines.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(file=stream or sys.stderr),
        transient=True,
    )
    task = bar.add_task(doing, total=1.0)
    begun, shown = clock(), False

    def show(share: float) -> None:
        nonlocal shown
        bar.update(task, completed=share)
        if not shown and bar.console.is_interactive and clock() - begun > PATIENCE:
            shown = True
            bar.start()

    try:
        yield show
    finally:
        if shown:
            bar.stop()
