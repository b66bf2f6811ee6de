"""What the dashboard shows, from readings of every kind."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from straywatch.dashboard.view import finding_details, view
from straywatch.observing.records import Unread
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import OBSERVED
from tests.unit.records import NOW


def shown(reading: Any) -> dict[str, Any]:
    """The view as the page gets it."""
    seen: dict[str, Any] = json.loads(json.dumps(view(reading, OBSERVED)))
    return seen


def test_every_user_is_in_one_of_the_counts() -> None:
    """The parts of the bar make up all users, and the headline says the same."""
    stands = shown(samples.usual())["standing"]

    parts = ("compliant", "exempt", "grace", "waiting", "open")
    assert sum(stands[part] for part in parts) == stands["users"] == 412
    assert stands["headline"] == "3 users overdue, 3 in grace"
    assert stands["percent"] == 98.5


def test_one_critical_stray_among_many_is_not_all() -> None:
    """Percentages are rounded down: 100 means that nobody is left."""
    one = (samples.finding("ann", 1, ago=timedelta(hours=1)),)
    census = samples.census(40_000, (samples.user("ann", 1),))
    reading = replace(samples.empty(), findings=one, census=census)

    assert shown(reading)["standing"]["percent"] == 99.9


def test_counts_fall_back_on_the_last_sweep_and_say_so() -> None:
    """An account that cannot be read is never shown as one without strays."""
    reading = replace(samples.usual(), census=Unread("access denied"))

    assert shown(reading)["standing"]["note"] == "access denied"
    assert shown(reading)["standing"]["users"] == 412
    assert shown(replace(reading, sweeps=()))["standing"]["counted_at"] is None


def test_an_unchanged_account_gives_an_unchanged_view() -> None:
    """Time alone sends nothing to the page: it counts down by itself."""
    later = replace(samples.usual(), read_at=NOW + timedelta(seconds=30))

    assert shown(later) == shown(samples.usual())


def test_open_findings_are_all_there_however_many() -> None:
    """500 strays and 400 graces come whole, in less than half a megabyte."""
    seen = view(samples.large(), OBSERVED)

    assert len(seen["findings"]) == 500
    assert len(seen["graces"]) == 400
    assert len(json.dumps(seen)) < 500_000


def test_strays_that_nothing_told_of_are_counted() -> None:
    """A stray with neither finding nor grace waits for the next sweep, and is not left out."""
    census = samples.census(40, (samples.user("lost", 1), samples.user("found", 2)))
    reading = replace(
        samples.empty(),
        census=census,
        findings=(samples.finding("found", 2, ago=timedelta(hours=1)),),
    )

    assert shown(reading)["standing"]["waiting"] == 1


def test_a_gap_between_sweeps_is_marked() -> None:
    """The line of compliance breaks where no sweep looked."""
    points = shown(samples.usual())["compliance"]

    assert sum(point["gap"] for point in points) == 1


def test_long_histories_are_thinned_to_their_last_point() -> None:
    """90 days of hourly sweeps stay a picture, and the newest sweep is always in it."""
    reading = replace(samples.empty(), sweeps=samples.sweeps(2160, 100, 2))

    points = shown(reading)["compliance"]

    assert 100 < len(points) <= 300
    assert points[-1]["at"] == int(reading.sweeps[-1].started_at.timestamp() * 1000)


@pytest.mark.parametrize("finding", samples.hostile().findings, ids=lambda f: f.user_name[:12])
def test_names_that_deceive_are_shown_escaped(finding: Any) -> None:
    """No direction mark or control character reaches the page."""
    details = finding_details(finding)

    assert json.dumps(details, ensure_ascii=False).isprintable()


def test_a_finding_opens_to_its_life_and_what_ends_it() -> None:
    """Either a group or an exemption, each with its own commands, under an open finding alone."""
    one = samples.finding("ann", 1, ago=timedelta(hours=1))

    (either, join), (or_, exempt) = finding_details(one)["ways"]
    assert (either.split()[0], or_.split()[0]) == ("EITHER", "OR")
    assert any("add-user-to-group" in text for text in join)
    assert all("tag-user" in text for text in exempt)
    over = finding_details(samples.resolved(one, timedelta(minutes=1)))
    assert over["ways"] == []
    assert [each["kind"] for each in over["life"]] == ["event", "alert", "resolve"]


def test_what_a_list_leaves_out_is_counted() -> None:
    """Of 640 resolved findings 500 are listed, and the page can say so."""
    over = tuple(
        samples.resolved(samples.finding(f"u{n}", n, ago=timedelta(hours=n)), timedelta(minutes=1))
        for n in range(640)
    )
    seen = shown(replace(samples.empty(), findings=over))

    assert (len(seen["findings"]), seen["resolved"]) == (500, 640)
    assert (len(seen["timeline"]), seen["happened"]) == (200, 1920)
