"""The watch on a terminal: how it stands, strays, graces, a log; sized to the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from chalicelib.text import counted
from straywatch.terminal.signals import Stopped
from straywatch.watching.fitting import NARROW
from straywatch.watching.follower import Follower, Seen
from straywatch.watching.header import header
from straywatch.watching.keys import keys
from straywatch.watching.parts import grace_lines, log_lines, stray_lines

_VIEWS = {"0": "all", "1": "strays", "2": "graces", "3": "log"}
_HELP = "0 all  1 strays  2 graces  3 log  \u2191\u2193 scroll  q quit"
_HELP_NARROW = "0-3 view  \u2191\u2193 scroll  q quit"
_MORE = "      how to end one: straywatch findings show USER"
_WIDE = 100
_A_PAGE = 10
_TALL = 20
"""Lines from which the strays have names above their columns."""


@dataclass(frozen=True, slots=True)
class View:
    """What is chosen: all parts or one of them, and how far it is scrolled, in lines."""

    part: str = "all"
    offset: int = 0

    def pressed(self, key: str) -> View:
        """The view after a key."""
        if key in _VIEWS:
            return View(_VIEWS[key])
        steps = {"up": -1, "down": 1, "page up": -_A_PAGE, "page down": _A_PAGE}
        if key == "home":
            return replace(self, offset=0)
        return replace(self, offset=max(0, self.offset + steps.get(key, 0) * self._way))

    @property
    def _way(self) -> int:
        """The log stands at its end, and is scrolled back from there."""
        return -1 if self.part == "log" else 1


class Screen:
    """A picture that is drawn again for each look; the window may change at any time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, screen=True, transient=True)
        self._view = View()
        self._key: Callable[[float], str] = lambda _: ""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take the terminal's other screen and its keys for a `with` block, and give them back."""
        with self._live, keys() as self._key:
            yield

    def draw(self, follower: Follower) -> None:
        """Show how things stand now."""
        width, height = self._console.size
        lines, self._view = picture(follower.seen, self._view, follower.clock(), width, height)
        self._live.update(Group(*lines), refresh=True)

    def wait(self, seconds: float) -> None:
        """Wait so long for a key, and follow it. Raises Stopped for `q`."""
        key = self._key(seconds)
        if key == "q":
            raise Stopped
        self._view = self._view.pressed(key)


def picture(
    seen: Seen, view: View, now: datetime, width: int, height: int
) -> tuple[list[Text], View]:
    """Lines that fit a window of so many columns and lines, and the view, scrolled to its end."""
    lines = header(seen, now, width, max(2, height // 5))
    if seen.picture is None:
        return lines[:height], view
    room = height - len(lines) - 1
    strays, graces = seen.picture.strays, seen.picture.graces
    log = log_lines((*seen.before, *seen.happened), now, width) or [
        Text("nothing yet", style="dim")
    ]
    headed = bool(strays) and height >= _TALL
    for_strays, for_graces = _shares(view.part, room, len(strays) + headed, len(graces))
    at = view.offset
    if view.part in ("all", "strays") and for_strays:
        rows = for_strays - 1 - headed
        at = max(0, min(view.offset, len(strays) - rows))
        shown = strays[at : at + rows]
        lines.append(_title("Open strays", at, len(shown), len(strays), width))
        lines += stray_lines(shown, now, width, headed=headed) or [Text("none", style="dim")]
    if view.part in ("all", "graces") and for_graces:
        from_ = max(0, min(view.offset * (view.part == "graces"), len(graces) - for_graces + 1))
        at = from_ if view.part == "graces" else at
        few = graces[from_ : from_ + for_graces - 1]
        lines.append(_title("Graces running down", from_, len(few), len(graces), width))
        lines += grace_lines(few, now, width)
    if view.part in ("all", "log") and (rest := height - 1 - len(lines)) > 1:
        back = max(0, min(view.offset, len(log) - rest + 1)) if view.part == "log" else 0
        at = back if view.part == "log" else at
        end = len(log) - back
        earlier = max(0, end - rest + 1)
        lines.append(_log_title(earlier, back, width))
        lines += log[earlier:end]
    lines = lines[: height - 1]
    lines += [Text()] * (height - 1 - len(lines))
    help_ = (_HELP + _MORE if width >= _WIDE else _HELP) if width >= NARROW else _HELP_NARROW
    return [*lines, Text(help_[:width], style="dim")], replace(view, offset=at)


def _shares(part: str, room: int, strays: int, graces: int) -> tuple[int, int]:
    """Lines for strays and for graces, with titles; the log has what is left, a third at least.

    Strays come before graces, but each that has something to show shows some.
    """
    if part != "all":
        return room, room
    rest = room - max(4, room // 3)
    least = min(graces + 1 if graces else 0, max(2, rest // 3))
    for_strays = max(0, min(max(1, strays) + 1, rest - least))
    return for_strays, max(0, min(graces + 1 if graces else 0, rest - for_strays))


def _title(name: str, at: int, shown: int, number: int, width: int) -> Text:
    told = f"{name} ({number:,})"
    if shown < number:
        told = f"{name} {at + 1:,}-{at + shown:,} of {number:,}" if shown else told
    return _ruled(told, width)


def _log_title(earlier: int, later: int, width: int) -> Text:
    told = "Log"
    if earlier or later:
        above = f"{counted(earlier, 'line')} above" if earlier else ""
        below = f"{later:,} below" if later else ""
        told += f" ({', '.join(filter(None, (above, below)))})"
    return _ruled(told, width)


def _ruled(told: str, width: int) -> Text:
    line = Text(told[:width], style="bold")
    return line.append(" " + "\u2500" * max(0, width - len(told) - 1), style="dim")
