"""The watch's picture: how it stands, strays, graces and a log in as many lines as there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich.text import Text

from chalicelib.domain.findings import Finding
from chalicelib.text import counted
from straywatch.observing.graces import Grace
from straywatch.watching.fitting import NARROW
from straywatch.watching.follower import Picture, Seen
from straywatch.watching.header import header
from straywatch.watching.parts import finding_lines, grace_lines, is_chosen, log_lines, stray_lines
from straywatch.watching.view import View

_HELP = "\u2191\u2193 move  Enter opens  0 all  1 strays  2 graces  3 log  q quit"
_HELP_NARROW = "\u2191\u2193  Enter opens  0-3 parts  q quit"
_TALL = 12
"""Lines for strays from which there are names above their columns."""


@dataclass(frozen=True, slots=True)
class Room:
    """So many columns and lines, and what time it is."""

    now: datetime
    width: int
    lines: int

    def of(self, lines: int) -> Room:
        """As wide, but of so many lines."""
        return replace(self, lines=max(0, lines))


def picture(
    seen: Seen, view: View, now: datetime, width: int, height: int
) -> tuple[list[Text], View]:
    """Exactly so many lines, none wider, and the view, scrolled no further than there is to see."""
    lines = header(seen, now, width, max(2, height // 5))
    if seen.picture:
        room = Room(now, width, max(0, height - len(lines) - 1))
        parts, at = _parts(seen, seen.picture, view, room)
        lines, view = [*lines, *parts], replace(view, offset=at)
    lines = lines[: height - 1]
    told = _HELP if width >= NARROW else _HELP_NARROW
    missing = [Text()] * (height - 1 - len(lines))
    return [*lines, *missing, Text(told[:width], style="dim")], view


def chosen(seen: Seen, view: View) -> Finding | None:
    """The stray that is chosen, where one can be."""
    strays = seen.picture.strays if seen.picture and view.is_of_strays else ()
    return strays[view.offset] if view.offset < len(strays) else None


def _parts(seen: Seen, picture: Picture, view: View, room: Room) -> tuple[list[Text], int]:
    """The lines of what is chosen, and how far it is scrolled."""
    match view.part:
        case "finding":
            return _finding(picture, view, room)
        case "strays":
            return _strays(picture.strays, view.offset, room)
        case "graces":
            return _graces(picture.graces, view.offset, room)
        case "log":
            return _log(seen, view.offset, room)
        case _:
            return _all(seen, picture, view, room)


def _all(seen: Seen, picture: Picture, view: View, room: Room) -> tuple[list[Text], int]:
    for_strays, for_graces = _shares(room.lines, len(picture.strays), len(picture.graces))
    strays, at = _strays(picture.strays, view.offset, room.of(for_strays))
    graces, _ = _graces(picture.graces, 0, room.of(for_graces))
    log, _ = _log(seen, 0, room.of(room.lines - len(strays) - len(graces)))
    return [*strays, *graces, *log], at


def _shares(room: int, strays: int, graces: int) -> tuple[int, int]:
    """Lines for strays and for graces, with titles; the log has what is left, a third at least.

    Strays come before graces, but each that has something to show shows some.
    """
    rest = room - max(4, room // 3)
    wanted = graces + 1 if graces else 0
    heads = 2 if room >= _TALL else 1
    for_strays = max(0, min(max(1, strays) + heads, rest - min(wanted, max(2, rest // 3))))
    return for_strays, max(0, min(wanted, rest - for_strays))


def _strays(strays: Sequence[Finding], at: int, room: Room) -> tuple[list[Text], int]:
    """The table around the one that is chosen."""
    headed = len(strays) > 0 and room.lines >= min(_TALL, len(strays) + 2)
    rows = max(0, room.lines - 1 - headed)
    at = max(0, min(at, len(strays) - 1))
    begin = max(0, min(at - rows // 2, len(strays) - rows))
    shown = stray_lines(strays[begin : begin + rows], room.now, room.width, headed=headed)
    if rows and strays:
        shown[at - begin + headed] = is_chosen(shown[at - begin + headed], room.width)
    title = _title("Open strays", begin, min(rows, len(strays)), len(strays), room.width)
    return [title, *(shown or [Text("none", style="dim")])][: room.lines], at


def _graces(graces: Sequence[Grace], at: int, room: Room) -> tuple[list[Text], int]:
    at = max(0, min(at, len(graces) - room.lines + 1))
    shown = graces[at : at + max(0, room.lines - 1)]
    title = _title("Graces running down", at, len(shown), len(graces), room.width)
    return [title, *grace_lines(shown, room.now, room.width)][: room.lines], at


def _log(seen: Seen, back: int, room: Room) -> tuple[list[Text], int]:
    """The last lines, or those so many before them."""
    log = log_lines((*seen.before, *seen.happened), room.now, room.width)
    log = log or [Text("nothing yet", style="dim")]
    back = max(0, min(back, len(log) - room.lines + 1))
    end = len(log) - back
    begin = max(0, end - room.lines + 1)
    title = _ruled("Log" + _beyond(begin, back), room.width)
    return [title, *log[begin:end]][: room.lines], back


def _finding(picture: Picture, view: View, room: Room) -> tuple[list[Text], int]:
    """One finding whole, as far as there is room from where it is scrolled to."""
    lines = [Text("it is not there any more")]
    if finding := picture.findings.get(view.finding_id):
        lines = finding_lines(finding, room.now, room.width)
    at = max(0, min(view.offset, len(lines) - room.lines + 1))
    below = max(0, len(lines) - at - room.lines + 1)
    title = _ruled("Finding" + _beyond(at, below) + ", 0 back", room.width)
    return [title, *lines[at : at + max(0, room.lines - 1)]], at


def _title(name: str, at: int, shown: int, number: int, width: int) -> Text:
    if 0 < shown < number:
        return _ruled(f"{name} {at + 1:,}-{at + shown:,} of {number:,}", width)
    return _ruled(f"{name} ({number:,})", width)


def _beyond(above: int, below: int) -> str:
    """How much is not shown."""
    told = [f"{counted(above, 'line')} above"] * bool(above) + [f"{below:,} below"] * bool(below)
    return f" ({', '.join(told)})" if told else ""


def _ruled(told: str, width: int) -> Text:
    line = Text(told[:width], style="bold")
    return line.append(" " + "\u2500" * max(0, width - len(told) - 1), style="dim")
