"""The watch where nobody looks at a screen: a line for each thing that happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from chalicelib.times import iso
from straywatch.findings.life import Happening
from straywatch.text import visible
from straywatch.watching.follower import Follower


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

    def draw(self, follower: Follower) -> None:
        """Write what is new."""
        for happening in follower.happened[self._shown :]:
            self._write(line_of(happening))
        self._shown = len(follower.happened)
        graces = {(g.user_name, iso(g.due)): g for g in follower.graces()}
        for key in sorted(graces.keys() - self._graces):
            due = iso(graces[key].due)
            self._write(f"{iso(graces[key].since)}  grace    {visible(key[0])}: until {due}")
        self._graces = frozenset(graces)
        if follower.error != self._error:
            self._error = follower.error
            self._write(f"{iso(follower.clock())}  {state_of(follower)}")


def line_of(happening: Happening) -> str:
    """One happening on one line."""
    who = f"{visible(happening.user_name)}: " if happening.user_name else ""
    return f"{iso(happening.at)}  {happening.kind:<7}  {who}{visible(happening.text)}"


def state_of(follower: Follower) -> str:
    """Whether reading works, and if not, since when and why."""
    if not follower.error or follower.failing_since is None:
        return "reading again"
    return f"stale since {iso(follower.failing_since)}, trying again: {visible(follower.error)}"
