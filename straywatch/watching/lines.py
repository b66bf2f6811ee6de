"""The watch where nobody looks at a screen: a line for each thing that happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chalicelib.times import iso
from straywatch.findings.life import Happening
from straywatch.text import visible
from straywatch.watching.follower import Follower, Seen


class Lines:
    """Writes what has happened since the last time, and when reading begins or ceases to fail."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown = 0
        self._graces: frozenset[tuple[str, str]] = frozenset()
        self._error = ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Nothing to prepare."""
        yield

    def wait(self, seconds: float) -> None:
        """Nobody presses a key here."""
        time.sleep(seconds)

    def draw(self, follower: Follower) -> None:
        """Write what is new."""
        seen = follower.seen
        for happening in seen.happened[self._shown :]:
            self._write(line_of(happening))
        self._shown = len(seen.happened)
        running = seen.picture.graces if seen.picture else ()
        graces = {(g.user_name, iso(g.due)): g for g in running}
        for key in sorted(graces.keys() - self._graces):
            due = iso(graces[key].due)
            self._write(f"{iso(graces[key].since)}  grace    {visible(key[0])}: until {due}")
        self._graces = frozenset(graces)
        if seen.error != self._error:
            self._error = seen.error
            self._write(f"{iso(follower.clock())}  {state_of(seen)}")


def line_of(happening: Happening) -> str:
    """One happening on one line."""
    who = f"{visible(happening.user_name)}: " if happening.user_name else ""
    return f"{iso(happening.at)}  {happening.kind:<7}  {who}{visible(happening.text)}"


def state_of(seen: Seen) -> str:
    """Whether reading works, and if not, since when and why."""
    if not seen.error or seen.failing_since is None:
        return "reading again"
    return f"stale since {iso(seen.failing_since)}, trying again: {visible(seen.error)}"
