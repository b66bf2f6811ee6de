"""The watch on a terminal: its picture drawn again and again, and its keys followed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from rich.console import Console, Group
from rich.live import Live

from straywatch.terminal.signals import Stopped
from straywatch.watching.follower import Follower, Seen
from straywatch.watching.keys import Key, keys
from straywatch.watching.picture import chosen, picture
from straywatch.watching.view import View


class Screen:
    """A picture that is drawn again for each look; the window may change at any time."""

    def __init__(
        self, console: Console, pressed: Callable[[], AbstractContextManager[Key]] = keys
    ) -> None:
        self._console = console
        self._pressed = pressed
        self._live = Live(console=console, auto_refresh=False, screen=True, transient=True)
        self._view = View()
        self._seen = Seen()
        self._key: Key = lambda _: ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take the terminal's other screen and its keys for a `with` block, and give them back."""
        with self._live, self._pressed() as self._key:
            yield

    def draw(self, follower: Follower) -> None:
        """Show how things stand now."""
        self._seen = follower.seen
        width, height = self._console.size
        lines, self._view = picture(self._seen, self._view, follower.clock(), width, height)
        self._live.update(Group(*lines), refresh=True)

    def wait(self, seconds: float) -> None:
        """Wait so long for a key, and follow it. Raises Stopped for `q`."""
        key = self._key(seconds)
        if key == "q":
            raise Stopped
        self._view = followed(self._seen, self._view, key)


def followed(seen: Seen, view: View, key: str) -> View:
    """The view after a key, given what is to be seen: Enter opens the stray that is chosen."""
    finding = chosen(seen, view)
    if key == "enter" and finding:
        return View("finding", 0, finding.finding_id)
    return view.pressed(key)
