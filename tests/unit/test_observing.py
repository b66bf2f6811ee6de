"""What readings say: graces that run, the timeline, figures, health."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.facts import Kind
from chalicelib.domain.findings import AlertType, Finding, Reason
from chalicelib.domain.pauses import Pause
from straywatch.findings.life import EntryKind, life
from straywatch.observing.figures import (
    Gap,
    NoDurations,
    Spread,
    compliance,
    detect_seconds,
    gaps,
    resolve_seconds,
    rounded_down,
    spread,
)
from straywatch.observing.graces import LATEST_CHECK, running_graces
from straywatch.observing.health import Wellness, ailment, complaints, health, worst
from straywatch.observing.moments import moment
from straywatch.observing.records import Reading, Unread
from straywatch.observing.standing import Standing, headline, standing
from straywatch.observing.timeline import timeline
from tests.unit import observed_samples as samples
from tests.unit.observed_samples import ACCOUNT, GRACE, OBSERVED
from tests.unit.records import NOW

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def graces(*marks: object, **changes: object) -> list[str]:
    """Whose graces run in a reading with these marks, whose census could not be read."""
    reading = replace(samples.empty(), marks=marks, census=Unread("denied"), **changes)  # type: ignore[arg-type]  # any field
    return [grace.user_name for grace in running_graces(reading, GRACE)]


def test_the_next_grace_to_end_stands_first() -> None:
    """A reader sees first who will be alerted about first."""
    new, old = (samples.grace_mark(name, ago * MINUTE) for name, ago in (("new", 1), ("old", 9)))

    assert graces(new, old) == ["old", "new"]


@pytest.mark.parametrize("kind", [Kind.JOINED, Kind.SETTLED, Kind.DELETED, Kind.RENAMED])
def test_a_grace_ends_with_what_ends_the_episode(kind: Kind) -> None:
    """Who joined, was looked at, deleted or renamed since has no grace any more."""
    mark = samples.grace_mark("ann", 5 * MINUTE)

    assert graces(samples.told_of(mark, kind, NOW - 2 * MINUTE)) == []
    assert graces(samples.told_of(mark, kind, NOW - 9 * MINUTE)) == ["ann"]


def test_a_user_created_and_put_in_a_group_within_a_second_has_no_grace() -> None:
    """CloudTrail tells whole seconds; a user can only join once it is there."""
    mark = samples.grace_mark("ann", MINUTE)

    assert graces(samples.told_of(mark, Kind.JOINED, NOW - MINUTE)) == []


def test_an_open_finding_takes_the_place_of_its_grace() -> None:
    """Nobody is shown twice; a finding from before the grace hides nothing."""
    mark = samples.grace_mark("ann", 16 * MINUTE)
    after = samples.finding("ann", 1, ago=16 * MINUTE)
    before = samples.resolved(samples.finding("ann", 1, ago=90 * MINUTE), MINUTE)

    assert graces(mark) == ["ann"]
    assert graces(mark, findings=(after,)) == []
    assert graces(mark, findings=(before,)) == ["ann"]


def test_a_census_taken_since_tells_who_is_in_another_group() -> None:
    """Who left one group of two is no stray, which only a look can tell."""
    marks = (samples.grace_mark("member", 5 * MINUTE), samples.grace_mark("stray", 5 * MINUTE))
    census = samples.census(40, (samples.user("stray", 1),))
    reading = replace(samples.empty(), marks=marks, census=census)

    assert [grace.user_name for grace in running_graces(reading, GRACE)] == ["stray"]


def test_a_mark_that_outlived_its_user_is_forgotten() -> None:
    """Long after its end, a grace whose event of deletion was lost is shown no more."""
    assert graces(samples.grace_mark("ann", GRACE + LATEST_CHECK - MINUTE)) == ["ann"]
    assert graces(samples.grace_mark("ann", GRACE + LATEST_CHECK)) == []


def test_a_life_tells_how_it_began_and_ended() -> None:
    """Each finding's life runs from the call that caused it to the reason it is over."""
    finding = samples.resolved(samples.finding("ann", 2, ago=HOUR), 5 * MINUTE)

    told = [(each.kind, each.text) for each in life(finding)]

    assert told == [
        (EntryKind.EVENT, "RemoveUserFromGroup (group admins) by alice in role ops"),
        (EntryKind.ALERT, "the check found it in no group; alert opened, HIGH"),
        (EntryKind.RESOLVE, "resolved: joined nurses"),
    ]


def test_reminders_and_escalations_belong_to_the_life() -> None:
    """An auditor sees that somebody was reminded, and when it escalated."""
    one = samples.finding("ann", 2, ago=90 * HOUR)
    told = replace(one, reminders=3, alerted_at=NOW - HOUR, escalated_at=NOW - 9 * HOUR)

    texts = [each.text for each in life(told)]

    assert texts[2:] == ["alert escalated", "last of 3 reminders"]


def test_the_timeline_tells_each_event_once_and_the_newest_first() -> None:
    """A finding and a mark that know of the same event make one line of it."""
    finding = samples.finding("ann", 1, ago=20 * MINUTE)
    mark = samples.told_of(samples.grace_mark("ann", 20 * MINUTE), Kind.JOINED, NOW - MINUTE)
    reading = replace(samples.empty(), findings=(finding,), marks=(mark,))

    told = [(each.kind, each.at) for each in timeline(reading, ACCOUNT)]

    assert told == [
        (EntryKind.EVENT, NOW - MINUTE),
        (EntryKind.ALERT, finding.opened_at),
        (EntryKind.EVENT, finding.stray_since),
    ]


def test_within_a_second_the_timeline_keeps_the_order_that_calls_have() -> None:
    """Nobody joins before being created, though CloudTrail tells whole seconds."""
    mark = samples.told_of(samples.grace_mark("ann", MINUTE), Kind.JOINED, NOW - MINUTE)
    newest, created = timeline(replace(samples.empty(), marks=(mark,)), ACCOUNT)

    assert newest.text == "joined a group"
    assert created.text.startswith("CreateUser")


def test_sweeps_that_changed_nothing_do_not_fill_the_timeline() -> None:
    """Of quiet sweeps only the last is told, besides those that noticed something."""
    sweeps = list(samples.sweeps(10, 40, 0))
    sweeps[3] = replace(sweeps[3], missed_events=2)
    reading = replace(samples.empty(), sweeps=tuple(sweeps))

    told = [each.at for each in timeline(reading, ACCOUNT)]

    assert told == [sweeps[9].finished_at, sweeps[3].finished_at]


def test_figures_are_what_their_definitions_say() -> None:
    """Compliance, detection and resolution follow from the table's fields alone."""
    sweep = replace(samples.sweeps(1, 100, 0)[0], users=100, exempt=20, compliant=60)
    finding = samples.finding("ann", 1, ago=HOUR, late=7)

    assert compliance(sweep) == 75
    assert compliance(replace(sweep, exempt=100)) is None
    assert detect_seconds(finding, GRACE) == 7
    assert detect_seconds(finding, GRACE + HOUR) == 0
    assert resolve_seconds(finding) is None
    assert resolve_seconds(samples.resolved(finding, MINUTE)) == 60


def test_the_middle_of_durations() -> None:
    """The median is the middle value, or the mean of the two middle ones."""
    assert spread([3, 1, 2]) == Spread(3, 2, 3)
    assert spread([4, 1, 2, 3]) == Spread(4, 2.5, 4)
    assert spread([]) == NoDurations()


def test_gaps_are_longer_than_two_intervals() -> None:
    """Between sweeps, before the first and after the last; two intervals are none yet."""
    one = samples.sweeps(1, 10, 0)[0]
    sweeps = [replace(one, started_at=NOW + n * HOUR) for n in (3, 5, 8)]

    assert gaps(sweeps, NOW, NOW + 10 * HOUR, HOUR) == (
        Gap(NOW, NOW + 3 * HOUR),
        Gap(NOW + 5 * HOUR, NOW + 8 * HOUR),
    )
    assert gaps([], NOW, NOW + 3 * HOUR, HOUR) == (Gap(NOW, NOW + 3 * HOUR),)


def test_a_monitor_that_is_well() -> None:
    """On an ordinary day nothing asks for attention."""
    assert worst(health(samples.usual(), OBSERVED)) is Wellness.FINE


def test_each_ailment_is_named() -> None:
    """What is wrong with the monitor is said where it can be seen, with the remedy."""
    unsent = replace(
        samples.finding("ann", 1, ago=HOUR),
        outbox=(AlertType.OPENED,),
        claimed_until=NOW - 10 * MINUTE,
    )
    late = samples.grace_mark("bob", GRACE + 5 * MINUTE)
    reading = replace(
        samples.unwell(), findings=(unsent,), marks=(late,), unreadable=("aws:1/000001",)
    )
    reading = replace(reading, census=Unread("denied"))

    ailing = {sign.name: sign.level for sign in health(reading, OBSERVED) if sign.level}

    assert ailing == {
        "Last sweep": Wellness.BAD,
        "Missed events": Wellness.WATCH,
        "Dead letters": Wellness.BAD,
        "Late checks": Wellness.BAD,
        "Unsent alerts": Wellness.BAD,
        "Exemptions": Wellness.BAD,
        "Unreadable": Wellness.BAD,
    }


def test_a_blind_monitor_says_so_and_why() -> None:
    """What keeps strays from being noticed is told from what is merely wrong."""
    blind = health(samples.unwell(), OBSERVED)
    refused = health(replace(samples.usual(), refused=("no JSON",)), OBSERVED)

    assert ailment(blind) == "The monitor may be blind"
    assert "Dead letters: 12; `straywatch redrive` tells why" in complaints(blind)
    assert ailment(refused) == "The monitor is not well"
    assert ailment(health(samples.usual(), OBSERVED)) == ""


def test_a_monitor_that_was_just_deployed_is_not_late() -> None:
    """It says when its first sweep comes; if none came in two intervals, something is wrong."""
    reading = samples.empty()
    fresh = replace(OBSERVED, created_at=NOW - 5 * MINUTE)

    assert worst(health(reading, fresh)) is Wellness.FINE
    told = {sign.name: sign.text for sign in health(reading, fresh)}
    assert told["Last sweep"] == "none yet; the first is due by 12:55:00 UTC"
    assert worst(health(reading, OBSERVED)) is Wellness.BAD


def test_an_instant_bears_its_zone_and_its_day_unless_it_is_today() -> None:
    """Yesterday's time is not taken for today's, wherever the reader is."""
    assert moment(NOW, NOW) == "12:00:00 UTC"
    assert moment(NOW - 13 * HOUR, NOW) == "2026-11-22 23:00:00 UTC"


def test_queues_that_cannot_be_read_are_not_empty() -> None:
    """What is not known about dead letters is said, never shown as none."""
    signs = health(replace(samples.usual(), queues=Unread("access denied")), OBSERVED)

    told = {sign.name: sign.text for sign in signs}

    assert told["Queues"] == "could not be read: access denied"
    assert "Dead letters" not in told


def stands(reading: Reading) -> Standing:
    """How it stands; whatever is read, every user is in one count."""
    found = standing(reading, GRACE)
    assert min(found.compliant, found.overdue, found.in_grace, found.waiting) >= 0
    return found


def test_each_user_is_in_one_count() -> None:
    """Overdue, in grace, exempt and in a group make up all that there are."""
    found = stands(samples.usual())

    assert (found.users, found.exempt, found.compliant) == (412, 10, 396)
    assert (found.overdue, found.in_grace, found.waiting) == (3, 3, 0)
    assert headline(found) == "3 users overdue, 3 in grace"


@pytest.mark.parametrize(
    ("reason", "users", "compliant", "exempt"),
    [
        (Reason.JOINED_GROUP, 412, 397, 10),
        (Reason.DELETED, 411, 396, 10),
        (Reason.EXEMPTED, 412, 396, 11),
    ],
)
def test_who_was_resolved_since_the_census_is_no_stray(
    reason: Reason, users: int, compliant: int, exempt: int
) -> None:
    """A finding that ended after all users were counted moves its user to where it is now."""
    reading = samples.usual()
    first = next(f for f in reading.findings if f.user_name == "frank.mueller")
    over = replace(samples.resolved(first, HOUR, reason), resolved_at=NOW + MINUTE)
    found = stands(replace(reading, findings=(over, *reading.findings[:-3], *_others(reading))))

    assert (found.overdue, found.waiting) == (2, 0)
    assert (found.users, found.compliant, found.exempt) == (users, compliant, exempt)


def _others(reading: Reading) -> tuple[Finding, ...]:
    return tuple(f for f in reading.findings[-3:] if f.user_name != "frank.mueller")


def test_who_joined_within_its_grace_waits_for_nothing() -> None:
    """An event tells of it long before the next census: nobody is called a stray meanwhile."""
    reading = samples.usual()
    marks = tuple(samples.told_of(mark, Kind.JOINED, NOW) for mark in reading.marks)
    found = stands(replace(reading, marks=marks))

    assert (found.in_grace, found.waiting, found.users) == (0, 0, 412)
    assert found.sentence == "3 overdue"


def test_a_user_overdue_whom_no_census_has_seen_yet_is_counted() -> None:
    """Of no user ever "104 of 16" are overdue: whoever has a finding is one of the users."""
    census = samples.census(16, (), NOW - 4 * MINUTE)
    found = tuple(samples.finding(f"u{n}", n, ago=16 * MINUTE) for n in range(104))

    assert stands(replace(samples.empty(), census=census, findings=found)).users == 120


def test_who_left_since_the_census_is_in_grace_and_no_longer_in_a_group() -> None:
    """The users stay as many as they are; who was created since makes one more."""
    census = samples.census(40, (), NOW - 4 * MINUTE)
    made = samples.grace_mark("made", MINUTE)
    left = replace(samples.grace_mark("left", MINUTE), facts=(
        replace(made.facts[0], id="left", kind=Kind.LEFT, cause=samples.cause(NOW - MINUTE)),
    ))  # fmt: skip
    found = stands(replace(samples.empty(), census=census, marks=(made, left)))

    assert (found.users, found.in_grace, found.compliant) == (41, 2, 38)


def test_without_a_census_the_last_sweep_counts_or_nothing_does() -> None:
    """What was never counted is said to be unknown; it is neither nobody nor compliant."""
    reading = replace(samples.usual(), census=Unread("denied"))

    assert (stands(reading).users, stands(reading).note) == (412, "denied")
    unknown = stands(replace(reading, sweeps=(), findings=(), marks=()))
    assert (unknown.percent, headline(unknown)) == (None, "Users not counted yet")


def test_nothing_wrong_is_said_in_words() -> None:
    """An account without strays, and one without users."""
    assert headline(stands(samples.empty())) == "No users yet"
    well = replace(samples.empty(), census=samples.census(40, ()))
    assert headline(stands(well)) == "Every user is in a group or exempt"


def test_percentages_never_round_up_to_all() -> None:
    """One stray among ever so many users is not 100 %."""
    assert rounded_down(100 * 99_999 / 100_000) == 99.9
    assert rounded_down(100.0) == 100.0


def test_a_finding_of_the_names_former_bearer_hides_no_grace() -> None:
    """Who was created under a name that was free again is another, as its id tells."""
    mark = samples.grace_mark("ann", 16 * MINUTE)
    known = replace(mark, facts=(replace(mark.facts[0], user_id="AIDANEW"),))
    before = samples.finding("ann", 1, ago=16 * MINUTE)

    assert graces(known, findings=(before,)) == ["ann"]


def test_a_pause_in_force_is_a_sign_and_no_illness() -> None:
    """Who, until when and why; one that is over is none."""
    pause = Pause(NOW - HOUR, NOW + HOUR, "OPS-12", "arn:ops")
    (sign,) = (
        s for s in health(replace(samples.usual(), pause=pause), OBSERVED) if s.name == "Alerts"
    )
    assert sign.level is Wellness.WATCH
    assert "by arn:ops: OPS-12" in sign.text
    over = replace(pause, until=NOW - MINUTE)
    signs = health(replace(samples.usual(), pause=over), OBSERVED)
    assert "Alerts" not in {sign.name for sign in signs}
