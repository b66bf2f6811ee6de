"""The watch: what happened as lines and as a picture, through failures."""

from __future__ import annotations

import io
import os
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.cells import cell_len
from rich.console import Console, Group

from straywatch.observing.deployment import Observed
from straywatch.observing.records import Reading
from straywatch.terminal.signals import Stopped
from straywatch.watching.follower import Follower
from straywatch.watching.keys import keys
from straywatch.watching.lines import Lines
from straywatch.watching.picture import picture
from straywatch.watching.screen import Screen, followed
from straywatch.watching.view import View
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import OBSERVED
from tests.unit.records import NOW

EXPIRED = ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "Query")
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)


def follower(*readings: Reading | Exception) -> Follower:
    """One that reads these, one after the other."""
    left: Iterator[Reading | Exception] = iter(readings)

    def read() -> tuple[Reading, Observed]:
        found = next(left)
        if isinstance(found, Exception):
            raise found
        return found, OBSERVED

    return Follower(read, clock=lambda: NOW)


def lines(following: Follower, steps: int) -> list[str]:
    """What is written in so many steps."""
    written: list[str] = []
    out = Lines(written.append)
    for _ in range(steps):
        following.step()
        out.draw(following)
    return written


ALL = View()


def drawn(following: Follower, width: int = 100, height: int = 30, view: View = ALL) -> str:
    """The picture as text, as wide and as high as the window."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None)
    lines, _ = picture(following.seen, view, NOW, width, height)
    console.print(Group(*lines))
    return out.getvalue()


def stepped(reading: Reading) -> Follower:
    """A watcher who has looked once."""
    following = follower(reading)
    following.step()
    return following


def test_each_thing_that_happens_is_told_once() -> None:
    """A grace, its alert and its end come as they happen, and no event twice."""
    mark = samples.grace_mark("ann", 16 * MINUTE)
    opened = samples.finding("ann", 1, ago=16 * MINUTE)
    first = replace(samples.empty(NOW - 5 * MINUTE), marks=(mark,))
    second = replace(first, read_at=NOW, findings=(opened,))
    third = replace(second, findings=(samples.resolved(opened, MINUTE),))
    unread = [replace(each, census=samples.census(40, (), NOW - 90 * MINUTE))
              for each in (first, second, third)]  # fmt: skip

    told = lines(follower(*unread, unread[-1]), 4)

    kinds = [line.split()[1] for line in told]
    assert kinds == ["grace", "alert", "resolve"]
    assert "ann: the check found it in no group; alert opened, HIGH" in told[1]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (EXPIRED, "the AWS session has expired (Query): sign in again"),
        (EndpointConnectionError(endpoint_url="http://x"), "check the network"),
    ],
)
def test_a_failure_is_said_once_and_survived(failure: Exception, said: str) -> None:
    """The watch says since when it is stale and why, goes on, and says when it reads again."""
    told = lines(follower(samples.empty(), failure, failure, samples.empty()), 4)

    assert len(told) == 2
    assert "stale since 2026-11-23T12:00:00Z" in told[0]
    assert said in told[0]
    assert told[1].endswith("reading again")


def test_the_picture_says_how_it_stands() -> None:
    """Live, well and the time; who is a stray, how bad by shape and word; who has how long left."""
    shown = drawn(stepped(samples.usual()), 110)

    assert "\u25cf live  \u2713 well  12:00:00 UTC" in shown
    assert "3 overdue, 3 in grace \u00b7 412 users \u00b7 98.5 % in a group" in shown
    assert "\u25c6 CRITICAL\u203afrank.mueller" in shown
    assert "\u25b2 HIGH     deploy-legacy" in shown
    assert "\u2501\u2500" in shown
    assert "1:42" in shown


def test_a_monitor_that_may_be_blind_does_not_look_well() -> None:
    """What is wrong stands below the headline, at each size."""
    for width in (40, 80, 120):
        shown = drawn(stepped(samples.unwell()), width)
        assert "\u2715 not well" in shown
        assert "The monitor may be blind. Last sweep" in shown


def test_a_hung_aws_is_not_live() -> None:
    """Nothing failed yet, but the last reading is old: that is said, and since when."""
    shown = drawn(stepped(samples.usual(NOW - 15 * SECOND)))

    assert "\u25a0 stale  ? unknown" in shown
    assert "Stale since 11:59:45 UTC: AWS was last read 15" in shown


@pytest.mark.parametrize("kind", ["usual", "large", "hostile", "unwell", "empty"])
@pytest.mark.parametrize(("width", "height"), [(20, 6), (40, 15), (80, 24), (120, 40)])
def test_the_picture_fits_any_window(width: int, height: int, kind: str) -> None:
    """No line is wider, and the picture as high as the window, whatever there is to show."""
    following = stepped(getattr(samples, kind)())
    for part in ("all", "strays", "graces", "log", "finding"):
        shown = drawn(following, width, height, View(part, 3)).splitlines()

        assert max(map(cell_len, shown)) <= width
        assert len(shown) == height


def test_the_log_never_cuts_what_happened() -> None:
    """Long entries go on below themselves; what is above says how much there is, and scrolls."""
    following = stepped(samples.hostile())
    for width in (40, 80):
        whole = " ".join(drawn(following, width, 200, View("log")).split())
        assert "check found it in no group; alert opened, HIGH" in whole
    assert "lines above)" in drawn(following, 40, 15, View("log"))
    _, view = picture(following.seen, View("log", 999), NOW, 80, 15)
    assert 0 < view.offset < 999
    assert drawn(following, 80, 15, view) != drawn(following, 80, 15, View("log"))


def test_every_stray_can_be_reached() -> None:
    """500 strays are not cut in silence: the title counts them, and arrows reach the last."""
    following = stepped(samples.large())
    assert "Open strays 1-" in drawn(following, 80, 24)
    _, view = picture(following.seen, View("strays").pressed("down"), NOW, 80, 24)
    assert view == View("strays", 1)
    _, end = picture(following.seen, View("strays", 9999), NOW, 80, 24)
    assert "of 500" in drawn(following, 80, 24, end)
    assert "-500 of 500" in drawn(following, 80, 24, end)


def test_keys_choose_a_part_and_scroll_it() -> None:
    """A number shows one part alone, 0 all; the log is scrolled back from its end."""
    assert View().pressed("3") == View("log")
    assert View("log").pressed("up") == View("log", 1)
    assert View("strays", 4).pressed("page up") == View("strays", 0)
    assert View("log", 5).pressed("home") == View("log", 0)
    assert View("log", 5).pressed("x") == View("log", 5)
    assert View("graces", 5).pressed("0") == View()


def test_enter_opens_the_stray_that_is_chosen() -> None:
    """How bad and how long, either of two ways to end it, its life and ids, at each width."""
    seen = stepped(samples.usual()).seen
    view = followed(seen, View("all", 1), "enter")
    assert view.part == "finding"
    shown = drawn(stepped(samples.usual()), 120, 40, view)

    assert "\u25b2 HIGH  deploy-legacy" in shown
    assert "In no group for 1 day 2 h, since 2026-11-22 10:00:00 UTC." in shown
    assert shown.index("EITHER") < shown.index("OR ") < shown.index("Its life")
    assert "below), 0 back" in drawn(stepped(samples.usual()), 40, 15, view)
    assert followed(seen, View("log"), "enter") == View("log")
    assert followed(seen, view, "0") == View()


def test_the_screen_follows_keys_and_q_ends_it() -> None:
    """Down and Enter open the second stray; the terminal's other screen is left behind by `q`."""
    pressed = iter(["down", "enter", "", "q"])

    @contextmanager
    def keyboard() -> Iterator[Callable[[float], str]]:
        yield lambda _: next(pressed)

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80, height=24, color_system=None)
    screen = Screen(console, keyboard)
    following = stepped(samples.usual())
    with screen.running():
        for _ in range(3):
            screen.draw(following)
            screen.wait(0)
        screen.draw(following)
        with pytest.raises(Stopped):
            screen.wait(0)

    assert "HIGH  deploy-legacy" in out.getvalue()
    assert "\x1b[?1049l" in out.getvalue()


def test_keys_that_come_at_once_are_all_told() -> None:
    """Whoever holds an arrow down loses none; the terminal is given back as it was."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "r+b", buffering=0) as terminal:
        before = termios.tcgetattr(terminal)
        with keys(terminal) as key:
            os.write(ours, b"\x1b[B\x1bOAj3q")
            told = [key(1) for _ in range(5)]
            assert key(0) == ""
        after = termios.tcgetattr(terminal)
    os.close(ours)

    assert told == ["down", "up", "down", "3", "q"]
    assert after == before


def test_the_watch_goes_on_drawing_while_it_reads() -> None:
    """AWS that does not answer holds up the reading alone; what breaks it is told to who draws."""
    reading, asked, answer = samples.usual(), threading.Event(), threading.Event()

    def read() -> tuple[Reading, Observed]:
        if asked.is_set():
            raise RuntimeError("a mistake of ours")
        asked.set()
        answer.wait(10)
        return reading, OBSERVED

    following = Follower(read, clock=lambda: NOW)
    with following.running(timedelta()):
        assert asked.wait(10)
        assert "reading the account" in drawn(following)
        answer.set()
        while following.broken is None:
            drawn(following)

    assert "3 overdue" in drawn(following)
    assert str(following.broken) == "a mistake of ours"


def test_names_cannot_steer_the_terminal() -> None:
    """Sequences and marks of direction in names are shown escaped."""
    assert "\u202e" not in drawn(stepped(samples.hostile()))
    assert "\u202e" not in "".join(lines(follower(samples.hostile()), 1))


def test_before_the_first_reading_it_says_so() -> None:
    """Nothing read is not nothing there."""
    broken: Any = follower(EXPIRED)
    assert "reading the account" in drawn(broken)
    broken.step()
    assert "sign in again" in drawn(broken, 200)
