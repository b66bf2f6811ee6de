"""From events to stretches: known histories with known answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from straywatch.replay.figures import figures
from straywatch.replay.history import ReplayTotals, stretches
from straywatch.replay.intake import Intake
from straywatch.replay.store import Store
from tests.unit.trail import at, created, deleted, group_renamed, joined, left, record, renamed

NOW = datetime(2027, 1, 1, tzinfo=UTC)
END = at(days=30)


def told(*records: dict[str, Any], facts: ReplayTotals | None = None) -> list[tuple[Any, ...]]:
    """Replay records of a log of 30 days; each stretch as name, hours, ending, certainty."""
    found = played(*records, facts=facts or ReplayTotals())
    return [
        (s.user_name, (s.until - s.since).total_seconds() / 3600, str(s.ending), s.certain)
        for s in found.stretches()
    ]


def played(*records: dict[str, Any], facts: ReplayTotals) -> Store:
    """Replay records into a store."""
    store = Store()
    Intake(store, NOW).take("test", records)
    for stretch in stretches(store.events(), {"123456789012": END}, facts):
        store.add_stretch(stretch)
    return store


def test_a_user_is_a_stray_from_its_creation_until_it_joins() -> None:
    """The plain case; who is still a stray where the log ends has been one until then."""
    assert told(
        created(at(), "ann"), joined(at(hours=2), "ann", "dev"), created(at(days=29), "bob")
    ) == [("ann", 2, "joined_group", True), ("bob", 24, "log_ends", True)]


def test_only_the_last_group_counts() -> None:
    """Leaving one of two groups makes nobody a stray."""
    assert told(
        created(at(), "ann"),
        joined(at(), "ann", "dev"),
        joined(at(hours=1), "ann", "Ops"),
        left(at(hours=2), "ANN", "dev"),
        left(at(hours=3), "ann", "ops"),
        joined(at(hours=7), "ann", "dev"),
    ) == [("ann", 0, "joined_group", True), ("ann", 4, "joined_group", True)]


def test_deletion_ends_a_stretch_and_makes_it_certain() -> None:
    """IAM deletes nobody who is in a group: whatever was unknown, the user was in none."""
    assert told(left(at(), "old", "dev"), deleted(at(hours=1), "old")) == [
        ("old", 1, "deleted", True)
    ]


def test_a_user_older_than_the_log_may_have_groups_it_does_not_show() -> None:
    """So its stretch is what it was at most."""
    facts = ReplayTotals()
    assert told(left(at(), "old", "a"), joined(at(hours=1), "old", "b"), facts=facts) == [
        ("old", 1, "joined_group", False)
    ]
    assert facts.unknowns.older_users == 1


def test_a_later_removal_refutes_an_earlier_stretch() -> None:
    """Who is removed from b was in b until then: the stretch begins there, not at a."""
    facts = ReplayTotals()
    assert told(
        left(at(), "old", "a"),
        left(at(hours=5), "old", "b"),
        joined(at(hours=6), "old", "c"),
        facts=facts,
    ) == [("old", 1, "joined_group", False)]
    assert (facts.unknowns.refuted, facts.unknowns.gaps) == (1, 0)


def test_a_log_with_holes_is_said_to_have_them() -> None:
    """A user seen from its creation on who leaves a group that it never joined."""
    facts = ReplayTotals()
    assert told(
        created(at(), "ann"), left(at(hours=1), "ann", "dev"), joined(at(hours=2), "ann", "x"),
        facts=facts,
    ) == [("ann", 1, "joined_group", True)]  # fmt: skip
    assert (facts.unknowns.refuted, facts.unknowns.gaps) == (1, 1)


def test_a_rename_neither_ends_a_stretch_nor_begins_one() -> None:
    """Identity is the user, not its name."""
    assert told(
        created(at(), "ann"), renamed(at(hours=1), "ann", "eve"), joined(at(hours=3), "eve", "x")
    ) == [("eve", 3, "joined_group", True)]


def test_a_second_user_of_a_name_is_another_one() -> None:
    """Deleted and created again; or created while the deletion is missing from the log."""
    assert told(
        created(at(), "ann"),
        deleted(at(hours=1), "ann"),
        created(at(hours=2), "Ann"),
        created(at(hours=5), "ann"),
        deleted(at(hours=6), "ann"),
    ) == [
        ("ann", 1, "deleted", True),
        ("Ann", 3, "replaced", False),
        ("ann", 1, "deleted", True),
    ]


def test_a_renamed_group_keeps_its_members() -> None:
    """UpdateGroup is followed: the user leaves the group under its new name."""
    facts = ReplayTotals()
    assert told(
        created(at(), "ann"),
        joined(at(), "ann", "dev"),
        group_renamed(at(hours=1), "dev", "eng"),
        left(at(hours=2), "ann", "eng"),
        joined(at(hours=3), "ann", "eng"),
        facts=facts,
    ) == [("ann", 0, "joined_group", True), ("ann", 1, "joined_group", True)]
    assert facts.unknowns.gaps == 0


def test_order_and_repeats_do_not_matter() -> None:
    """Files come in any order, and several trails record one call under one id."""
    events = [created(at(), "ann"), joined(at(hours=1), "ann", "a"), left(at(hours=2), "ann", "a")]
    expected = told(*events)
    assert told(*reversed(events), *events) == expected


def test_accounts_are_kept_apart() -> None:
    """The same name in another account is another user."""
    other = {"recipientAccountId": "999999999999"}
    assert told(created(at(), "ann"), joined(at(hours=1), "ann", "x", **other)) == [
        ("ann", 720, "log_ends", True)
    ]


@pytest.mark.parametrize(
    ("change", "counted_as"),
    [
        ({"errorCode": "AccessDenied"}, "failed_calls"),
        ({"eventSource": "sso-directory.amazonaws.com"}, "others"),
        ({"eventName": "TagUser"}, "others"),
        ({"requestParameters": None}, "malformed"),
        ({"eventTime": "yesterday"}, "malformed"),
    ],
)
def test_what_is_left_out_is_counted(change: dict[str, Any], counted_as: str) -> None:
    """Nothing that cannot be used vanishes without a word."""
    store = Store()
    intake = Intake(store, NOW)
    intake.take("test", [record(at(), "CreateUser", "ann", **change)])
    assert getattr(intake.tally, counted_as) == 1
    assert intake.tally.events == 0


def test_flapping_is_told_once_a_day() -> None:
    """A user who leaves and joins ten times in a day brings one alert, as it would live."""
    facts = ReplayTotals()
    events = [created(at(), "ann"), joined(at(1), "ann", "x")]
    for turn in range(12):
        events += [
            left(at(minutes=turn + 1), "ann", "x"),
            joined(at(minutes=turn + 1, seconds=30), "ann", "x"),
        ]
    told(*events, facts=facts)
    assert facts.flapping_alerts == 1


def test_figures_compare_grace_periods() -> None:
    """Alerts fall as the grace grows; avoided ones rise; what the log cannot decide is said."""
    store = played(
        created(at(), "one"), joined(at(minutes=10), "one", "x"),
        created(at(), "two"), joined(at(hours=2), "two", "x"),
        left(at(days=1), "old", "x"), joined(at(days=3), "old", "x"),
        created(at(days=30, minutes=-30), "new"),
        created(at(), "now"), joined(at(), "now", "x"),
        facts=ReplayTotals(),
    )  # fmt: skip
    table = [figures(store, grace) for grace in (0, 900, 3600, 86_400)]
    assert [f.alerts for f in table] == [4, 3, 2, 1]
    assert [f.unsure for f in table] == [1, 1, 1, 1]
    assert [f.avoided for f in table] == [1, 2, 2, 3]
    assert [f.undecided for f in table] == [0, 0, 1, 1]
    assert [f.users for f in table] == [4, 3, 2, 1]
    assert (table[0].shortest_seconds, table[0].longest_seconds) == (600, 172_800)
    assert table[0].median_seconds == (1800 + 7200) / 2
    assert table[1].median_seconds == 7200


def test_no_alert_has_no_lengths() -> None:
    """Nothing is not zero seconds."""
    empty = figures(Store(), 0)
    assert (empty.alerts, empty.shortest_seconds, empty.median_seconds) == (0, None, None)


def test_anonymised_records_that_share_an_id_are_not_duplicates() -> None:
    """Published logs have their ids blanked to one value; different calls stay different."""
    assert [
        name
        for name, *_ in told(
            created(at(), "ann", eventID="1"),
            created(at(), "bob", eventID="1"),
            created(at(), "bob", eventID="1"),
        )
    ] == ["ann", "bob"]
