"""The watch: what happened as lines and as a picture, through failures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from straywatch.observing.deployment import Observed
from straywatch.observing.records import Reading
from straywatch.watching.follower import Follower
from straywatch.watching.lines import Lines
from straywatch.watching.screen import picture
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import OBSERVED
from tests.unit.records import NOW

EXPIRED = ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "Query")
MINUTE = timedelta(minutes=1)


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


def drawn(following: Follower, width: int = 100, height: int = 30) -> str:
    """The picture as text."""
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, color_system=None)
    console.print(picture(following, width, height))
    return out.getvalue()


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


def test_the_picture_shows_graces_and_what_happened() -> None:
    """Who has how long left, and the latest events, alerts and ends."""
    following = follower(samples.usual())
    following.step()

    shown = drawn(following)

    assert "3 open findings of 412 users" in shown
    assert "new.starter" in shown
    assert "1 min 42 s" in shown


@pytest.mark.parametrize(("width", "height"), [(20, 5), (40, 10), (80, 24), (200, 60)])
def test_the_picture_fits_any_window(width: int, height: int) -> None:
    """No line is wider, and no picture higher, than the window; a tiny one is cut off below."""
    following = follower(samples.large(), EXPIRED)
    following.step()
    following.step()

    shown = drawn(following, width, height).splitlines()

    assert max(map(len, shown)) <= width
    assert len([line for line in shown if line]) <= max(height, 14)


def test_names_cannot_steer_the_terminal() -> None:
    """Sequences and marks of direction in names are shown escaped."""
    following = follower(samples.hostile())
    following.step()

    assert "\u202e" not in drawn(following)
    assert "\u202e" not in "".join(lines(follower(samples.hostile()), 1))


def test_before_the_first_reading_it_says_so() -> None:
    """Nothing read is not nothing there."""
    broken: Any = follower(EXPIRED)
    assert "reading the account" in drawn(broken)
    broken.step()
    assert "sign in again" in drawn(broken, 200)
