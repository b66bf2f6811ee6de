"""Virtual time: what is to happen stands in one ordered list, and invocations take turns.

Everything runs in one thread. An invocation gives way at each call to AWS, so that others, and
the world itself, go on in between, and the same seed always leads to the same order.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from greenlet import getcurrent, greenlet

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_BEGINNING = datetime(2026, 3, 2, tzinfo=UTC)


class SimulationError(BaseException):
    """The simulator itself is wrong, or lacks what the product asks of it.

    Not an Exception: no handler of the product may take it for a failure of AWS.
    """


class EndlessError(BaseException):
    """The product goes round in circles: not an Exception, so that it cannot handle it."""


def instant(ms: int) -> datetime:
    """The virtual time `ms` as the product knows it."""
    return _BEGINNING + timedelta(milliseconds=ms)


def milliseconds(moment: datetime) -> int:
    """The virtual time of an instant that the product told."""
    return (moment - _BEGINNING) // timedelta(milliseconds=1)


class Kernel:
    """The clock, and whose turn it is. All times are milliseconds since the beginning."""

    def __init__(self) -> None:
        self.now = 0
        self._due: list[tuple[int, int, Callable[[], object]]] = []
        self._count = 0
        self._until = 0
        self._hub = getcurrent()

    def at(self, when: int, do: Callable[[], object]) -> None:
        """Have `do` called at `when`, after all that was asked for earlier at that time."""
        self._count += 1
        heapq.heappush(self._due, (max(when, self.now), self._count, do))

    def start(self, work: Callable[[], None]) -> None:
        """Begin an invocation: `work` may call `sleep`."""
        self.at(self.now, greenlet(work, self._hub).switch)

    def sleep(self, length: int) -> None:
        """Let the invocation that calls wait, while the world goes on."""
        end = self.now + length
        if end <= self._until and (not self._due or self._due[0][0] > end):
            self.now = end  # nobody else has anything to do meanwhile
            return
        self.at(end, getcurrent().switch)
        self._hub.switch()

    def run(self, until: int) -> None:
        """Let everything happen that is due by `until`."""
        self._until = until
        while self._due and self._due[0][0] <= until:
            self.now, _, do = heapq.heappop(self._due)
            do()
        self.now = max(self.now, until)
