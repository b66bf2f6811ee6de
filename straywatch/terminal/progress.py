"""Progress on stderr for work that takes more than a second, and silence otherwise."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from straywatch.text import visible

PATIENCE = 1.0
"""Seconds without a word before anything is shown."""

Clock = Callable[[], float]


@contextmanager
def counting(
    what: str, stream: TextIO | None = None, clock: Clock = time.monotonic
) -> Iterator[Callable[[int], None]]:
    """Show how many of `what` are done; yields the function, safe in threads, that adds to it.

    Nothing is shown within the first second, nor where stderr is no terminal that redraws lines.
    """
    bar = _bar(TextColumn("{task.completed:,}"), TimeElapsedColumn(), stream=stream)
    task = bar.add_task(what, total=None)
    with _patient(bar, clock) as show:
        yield lambda number: show(lambda: bar.advance(task, number))


@contextmanager
def share_bar(
    doing: str, stream: TextIO | None = None, clock: Clock = time.monotonic
) -> Iterator[Callable[[float], None]]:
    """Show which share is done; yields the function, safe in threads, that is told it, 0 to 1.

    Nothing is shown within the first second, nor where stderr is no terminal that redraws lines.
    """
    bar = _bar(TaskProgressColumn(), TimeRemainingColumn(), stream=stream)
    task = bar.add_task(doing, total=1.0)
    with _patient(bar, clock) as show:
        yield lambda share: show(lambda: bar.update(task, completed=share))


@contextmanager
def waiting(doing: str, stream: TextIO | None = None, patience: float = PATIENCE) -> Iterator[None]:
    """Show that something goes on of which nobody knows how long it takes, once it has taken time.

    Nothing is shown where stderr is no terminal that redraws lines.
    """
    bar = _bar(TimeElapsedColumn(), stream=stream)
    bar.add_task(doing, total=None)
    if not bar.console.is_interactive:
        yield
        return
    begin = threading.Timer(patience, bar.start)
    begin.daemon = True
    begin.start()
    try:
        yield
    finally:
        begin.cancel()
        begin.join()  # a bar that begins this very moment is stopped, too
        bar.stop()


def _bar(*columns: ProgressColumn, stream: TextIO | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(file=stream or sys.stderr),
        transient=True,
        redirect_stdout=False,  # what is printed meanwhile stays on standard output
    )


@contextmanager
def _patient(bar: Progress, clock: Clock) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Yield the function that changes the bar, and starts it once it is worth a look."""
    begun, guard = clock(), threading.Lock()
    shown = False

    def show(change: Callable[[], None]) -> None:
        nonlocal shown
        with guard:
            change()
            if not shown and bar.console.is_interactive and clock() - begun > PATIENCE:
                shown = True
                bar.start()

    try:
        yield show
    finally:
        if shown:
            bar.stop()


class StepLines:
    """Says on stderr what is going on, also in a machine's log: at most one line a second."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._last = clock()

    def __call__(self, text: str) -> None:
        """Note one step of the work."""
        now = self._clock()
        if now - self._last >= PATIENCE:
            self._last = now
            click.echo(f"straywatch: {visible(text)}", err=True)
