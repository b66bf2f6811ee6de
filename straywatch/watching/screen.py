"""The watch on a terminal: graces above, what happened below, sized to the window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from chalicelib.domain.findings import Status
from chalicelib.text import counted
from straywatch.findings.life import EntryKind, Happening
from straywatch.observing.graces import Grace
from straywatch.observing.records import Census, Reading
from straywatch.terminal.durations import spoken
from straywatch.text import visible
from straywatch.watching.follower import Follower
from straywatch.watching.lines import state_of

_STYLES = {EntryKind.EVENT: "yellow", EntryKind.ALERT: "bold red", EntryKind.RESOLVE: "green"}
_FRAME_LINES = 6  # headlines and the empty lines between the parts
_BAR = 20
_NARROW = 60  # columns below which the bar and the reason are left out


class Screen:
    """A picture that is drawn again for each look; the window may change at any time."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, screen=True, transient=True)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take the terminal's other screen for a `with` block, and give it back."""
        with self._live:
            yield

    def draw(self, follower: Follower) -> None:
        """Show how things stand now."""
        self._live.update(picture(follower, *self._console.size), refresh=True)


def picture(follower: Follower, width: int, height: int) -> RenderableType:
    """Everything that fits a window of so many columns and lines."""
    if follower.reading is None:
        return Text(state_of(follower) if follower.error else "reading the account")
    graces = follower.graces()
    room = max(2, height - _FRAME_LINES - bool(follower.error))
    shown = graces[: max(1, room // 2)]
    happened = follower.happened[-max(1, room - len(shown) - 1) :]
    parts: list[RenderableType] = [_headline(follower, follower.reading)]
    if follower.error:
        parts.append(Text(state_of(follower), style="bold yellow"))
    parts += [Text(), _heading("Graces running down", len(graces), len(shown))]
    parts.append(_graces(shown, follower, width) if shown else Text("none", style="dim"))
    parts += [Text(), Text("What happened", style="bold")]
    parts += [_line(happening) for happening in happened] or [Text("nothing yet", style="dim")]
    return Group(*parts)


def _headline(follower: Follower, reading: Reading) -> Text:
    still_open = sum(finding.status is Status.OPEN for finding in reading.findings)
    style = "bold red" if still_open else "bold green"
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(counted(still_open, "open finding"), style=style)
    if isinstance(reading.census, Census):
        line.append(f" of {counted(reading.census.users, 'user')}")
    if follower.observed:
        line.append(f"  account {follower.observed.account.account_id}", style="dim")
    return line.append("  Ctrl-C ends", style="dim")


def _heading(title: str, number: int, shown: int) -> Text:
    more = f" ({shown} of {number:,})" if number > shown else ""
    return Text(title + more, style="bold")


def _graces(graces: tuple[Grace, ...], follower: Follower, width: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_column(justify="right", no_wrap=True)
    now = follower.clock()
    for grace in graces:
        left = grace.due - now
        said = spoken(left.total_seconds()) if left > timedelta() else "being checked"
        cells = [Text(visible(grace.user_name)), Text(said, style="yellow")]
        if width >= _NARROW:
            cells.append(_bar(left, grace))
        table.add_row(*cells)
    return table


def _bar(left: timedelta, grace: Grace) -> Text:
    whole = (grace.due - grace.since).total_seconds()
    share = min(1.0, max(0.0, left.total_seconds() / whole)) if whole else 0.0
    full = round(share * _BAR)
    return Text("#" * full, style="yellow").append("." * (_BAR - full), style="dim")


def _line(happening: Happening) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{happening.at.astimezone():%H:%M:%S}  ", style="dim")
    line.append(f"{happening.kind:<8}", style=_STYLES.get(happening.kind, "dim"))
    if happening.user_name:
        line.append(visible(happening.user_name), style="bold").append(" ")
    return line.append(visible(happening.text))
