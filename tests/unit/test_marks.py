"""Marks: whatever the order in which events arrive, they tell the same story."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.events import MembershipEvent
from chalicelib.domain.marks import (
    Evidence,
    Mark,
    StraySince,
    carried_over,
    flaps_within_a_day,
    is_after,
    is_at_least,
    is_given_up_since,
    latest,
    left_behind,
    settled,
    stray_since,
    taken_over,
    with_event,
)
from tests.unit.records import ACCOUNT, NOW, USER_ID, at, event, renamed

BLANK = Mark(account=ACCOUNT, user_name="bob")
LONG_AGO = at(-(10**6))
DAY = 86_400

moments = st.integers(0, 30)
events = st.lists(
    st.builds(
        event,
        st.sampled_from(["CreateUser", "RemoveUserFromGroup", "AddUserToGroup", "DeleteUser"]),
        moments,
    ),
    max_size=8,
)


def told(events: Iterable[MembershipEvent], mark: Mark = BLANK) -> Mark:
    """The mark once these events have arrived, in this order."""
    for each in events:
        mark = with_event(mark, each)
    return mark


def story(mark: Mark) -> Mark:
    """All of a mark that may not depend on the order of arrival."""
    return replace(mark, cause=None, joined_group="", renamed_to="")


def since(mark: Mark, *, created_at: datetime = LONG_AGO, **more: Any) -> StraySince:
    """Since when the bearer of a mark is a stray, as of noon and a minute."""
    return stray_since(mark, now=at(60), created_at=created_at, **more)


@given(events, st.data())
def test_order_and_repeats_do_not_matter(
    arrived: list[MembershipEvent], data: st.DataObject
) -> None:
    """EventBridge promises neither order nor once: any of it leads to the same mark."""
    again = data.draw(st.lists(st.sampled_from(arrived), max_size=4)) if arrived else []
    shuffled = data.draw(st.permutations([*arrived, *again]))
    assert story(told(shuffled)) == story(told(arrived))


@given(events, st.data())
def test_calls_of_different_seconds_tell_the_same_causes(
    arrived: list[MembershipEvent], data: st.DataObject
) -> None:
    """Unless two calls fall into one second, even cause and group do not depend on the order."""
    distinct = list({e.cause.event_time: e for e in arrived}.values())
    assert told(data.draw(st.permutations(distinct))) == told(distinct)


@given(events)
def test_the_last_of_each_kind_counts(arrived: list[MembershipEvent]) -> None:
    """The episode begins with the last call that made a stray, unless a later one settled it."""
    lost = [e.cause for e in arrived if e.change in ("created", "left")]
    joined = [e.cause.event_time for e in arrived if e.change == "joined"]
    begun = max((cause.event_time for cause in lost), default=LONG_AGO)
    mark = told(arrived)
    if max(joined, default=LONG_AGO) > begun:
        assert since(mark).evidence is Evidence.SIGHTING
        return
    evidence = Evidence.EVENT if lost else Evidence.CREATION
    assert since(mark) == StraySince(begun, evidence)
    assert mark.cause is None or (mark.cause in lost and mark.cause.event_time == begun)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_who_is_created_and_leaves_within_a_second_left_last(order: tuple[int, int]) -> None:
    """Nobody leaves a group before being created, so the removal is the cause, come what may."""
    within_a_second = [event("CreateUser", 10), event("RemoveUserFromGroup", 10)]
    mark = told(within_a_second[number] for number in order)
    assert mark.cause == within_a_second[1].cause
    assert since(mark, created_at=at(10)) == StraySince(at(10), Evidence.EVENT)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_removal_does_not_hide_whom_its_seconds_creation_made(order: tuple[int, int]) -> None:
    """The id that CreateUser told still says whether the event is about this user, or a former."""
    within_a_second = [event("CreateUser", 10), event("RemoveUserFromGroup", 10)]
    mark = told(within_a_second[number] for number in order)
    by_another_clock = since(mark, created_at=at(12), user_id=USER_ID)
    assert by_another_clock == StraySince(at(12), Evidence.EVENT)
    assert since(mark, created_at=at(10), user_id="AIDASECOND").evidence is Evidence.CREATION


def test_the_last_of_several_renames_counts() -> None:
    """A rename that arrives late does not undo a later one."""
    forth, back = renamed(1, "bob", "rob"), renamed(5, "bob", "bert")
    assert told([forth, back]) == told([back, forth])
    assert told([back, forth]).renamed_to == "bert"


def test_a_stretch_that_ends_in_a_group_is_counted() -> None:
    """Leaving and joining again is one episode; both directions must have been told."""
    leave, join = event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)
    assert flaps_within_a_day(told([leave, join]), at(60)) == 1
    assert flaps_within_a_day(told([leave]), at(60)) == 0
    assert flaps_within_a_day(told([join]), at(60)) == 0


@given(st.data())
def test_flaps_are_counted_whatever_the_order(data: st.DataObject) -> None:
    """Two functions take the events, so that leaves and joins overtake each other all the time."""
    leaves = [event("RemoveUserFromGroup", 10 * n) for n in range(5)]
    joins = [event("AddUserToGroup", 10 * n + 5) for n in range(5)]
    arrived = data.draw(st.permutations([*leaves, *joins]))
    assert flaps_within_a_day(told(arrived), at(60)) == 5


def test_joining_before_leaving_is_no_episode() -> None:
    """Who changes from one group to another, the new one first, never was a stray."""
    moves = [event("AddUserToGroup", 10), event("RemoveUserFromGroup", 20)]
    assert flaps_within_a_day(told(moves), at(60)) == 0


def test_flaps_are_forgotten_after_a_day() -> None:
    """What counts is how often it happens within a day."""
    mark = told([event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)])
    assert flaps_within_a_day(mark, at(19 + DAY)) == 1
    assert flaps_within_a_day(mark, at(20 + DAY)) == 0


def test_a_mark_stays_small_however_much_a_user_flaps() -> None:
    """A script that flaps all day must not outgrow the table's item of 400 KB, nor go unnoticed."""
    mark = told(
        event(name, 2 * n + second)
        for n in range(1000)
        for second, name in enumerate(("RemoveUserFromGroup", "AddUserToGroup"))
    )
    assert len(repr(mark)) < 100_000
    assert flaps_within_a_day(mark, at(2000)) >= 100


# -- since when --------------------------------------------------------------------------------


def test_leaving_the_last_group_begins_the_episode() -> None:
    """The grace counts from the event's own time, not from its arrival."""
    mark = told([event("RemoveUserFromGroup", 10)])
    assert since(mark) == StraySince(at(10), Evidence.EVENT)


def test_a_new_user_is_a_stray_from_its_creation() -> None:
    """CreateUser's event and the creation date are one instant; the event has the cause."""
    mark = told([event("CreateUser", 10)])
    assert since(mark, created_at=at(10)) == StraySince(at(10), Evidence.EVENT)


@pytest.mark.parametrize("skew", [-4, 0, 4])
def test_two_clocks_may_tell_one_creation(skew: float) -> None:
    """The event still counts as the creation's when IAM's own date is seconds off."""
    found = since(told([event("CreateUser", 10)]), created_at=at(10 + skew))
    assert found == StraySince(at(10 + max(skew, 0)), Evidence.EVENT)


def test_an_event_from_before_the_user_was_about_another() -> None:
    """A user deleted and made again under its name does not inherit the old one's grace."""
    mark = told([event("RemoveUserFromGroup", -500)])
    assert since(mark, created_at=at(0)) == StraySince(at(0), Evidence.CREATION)


def test_a_user_nobody_told_of_is_a_stray_since_its_creation() -> None:
    """With every event lost, a user never seen in a group has been a stray all its life."""
    assert since(BLANK, created_at=at(-5)) == StraySince(at(-5), Evidence.CREATION)


def test_joining_starts_a_new_grace() -> None:
    """Left at 10, joined at 20, found in no group: the second leaving is known from now on only."""
    mark = told([event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)])
    assert since(mark) == StraySince(at(60), Evidence.SIGHTING)


def test_joining_and_leaving_again_counts_from_the_leaving() -> None:
    """One unbroken stretch: it begins with the last event that began it."""
    mark = told(
        [
            event("RemoveUserFromGroup", 10),
            event("AddUserToGroup", 20),
            event("RemoveUserFromGroup", 30),
        ]
    )
    assert since(mark) == StraySince(at(30), Evidence.EVENT)


def test_joined_and_left_within_a_second_was_left_last() -> None:
    """CloudTrail's times are whole seconds; a look shows that the user is in no group."""
    mark = told([event("AddUserToGroup", 10), event("RemoveUserFromGroup", 10)])
    assert since(mark) == StraySince(at(10), Evidence.EVENT)


def test_a_first_sighting_is_remembered() -> None:
    """Where no event tells the beginning, it counts from the first look that found it."""
    mark = replace(settled(BLANK, at(5)), seen_at=at(30))
    assert since(mark) == StraySince(at(30), Evidence.SIGHTING)


@pytest.mark.parametrize("seen_at", [at(5), at(27)])
def test_a_sighting_from_before_a_settled_stretch_does_not_count(seen_at: datetime) -> None:
    """Seen, then known to be no stray at 30: a new episode, seen now for the first time."""
    mark = replace(settled(BLANK, at(30)), seen_at=seen_at)
    assert since(mark) == StraySince(at(60), Evidence.SIGHTING)


@pytest.mark.parametrize("lag", [0.5, 2.5])
def test_leaving_just_when_a_look_showed_a_group_counts_from_the_leaving(lag: float) -> None:
    """The look showed what was seconds before, and the event names its second's beginning."""
    mark = settled(told([event("RemoveUserFromGroup", 10)]), at(10 + lag))
    assert since(mark) == StraySince(at(10), Evidence.EVENT)


def test_what_a_name_told_of_its_former_bearer_is_dropped() -> None:
    """A look shows that another user bears the name, and no event told of a rename."""
    mark = told([event("RemoveUserFromGroup", 5), event("AddUserToGroup", 10)])
    taken = taken_over(mark, at(20))
    assert since(taken) == StraySince(LONG_AGO, Evidence.CREATION)
    assert flaps_within_a_day(taken, at(60)) == 0


@pytest.mark.parametrize("before", [at(20), at(50)])
def test_a_sweep_that_saw_no_stray_settles_too(before: datetime) -> None:
    """Who was no stray when a whole sweep looked is one only since then."""
    mark = told([event("RemoveUserFromGroup", 10)])
    assert since(mark, settled_before=before) == StraySince(at(60), Evidence.SIGHTING)


def test_leaving_after_the_sweep_counts_from_the_leaving() -> None:
    """A sweep settles what was before it, nothing after."""
    mark = told([event("RemoveUserFromGroup", 30)])
    assert since(mark, settled_before=at(20)) == StraySince(at(30), Evidence.EVENT)


def test_the_end_of_an_exemption_begins_the_grace() -> None:
    """Nobody is a violation the moment an exemption runs out."""
    mark = told([event("RemoveUserFromGroup", 10)])
    found = since(mark, exemption_ended=at(40))
    assert found == StraySince(at(40), Evidence.EXEMPTION_ENDED)


def test_an_exemption_that_ended_long_ago_changes_nothing() -> None:
    """The later beginning counts."""
    mark = told([event("RemoveUserFromGroup", 10)])
    assert since(mark, exemption_ended=at(-40)) == StraySince(at(10), Evidence.EVENT)


@given(events, moments)
def test_the_episode_never_begins_before_the_user_or_after_now(
    arrived: list[MembershipEvent], born: int
) -> None:
    """Whatever events say, the grace is within the user's life and the past."""
    found = since(told(arrived), created_at=at(born))
    assert at(born) <= found.at <= at(60)


@given(events)
def test_the_episode_never_begins_before_the_user_last_joined(
    arrived: list[MembershipEvent],
) -> None:
    """Promise 3: no alert before one unbroken grace, as far as the events can tell."""
    mark = told(arrived)
    found = since(mark)
    assert mark.joined_at is None or found.at >= mark.joined_at


def test_a_former_bearers_creation_is_not_this_users() -> None:
    """Deleted and made again within seconds: the event of the first tells nothing of the second."""
    mark = told([event("CreateUser", -2)])
    since = stray_since(mark, now=at(60), created_at=at(0), user_id="AIDASECOND")
    assert since == StraySince(at(0), Evidence.CREATION)
    assert stray_since(mark, now=at(60), created_at=at(0), user_id=USER_ID).evidence == "event"


def test_who_was_removed_before_was_another() -> None:
    """Nobody leaves a group before being made."""
    mark = told([event("RemoveUserFromGroup", -1)])
    assert stray_since(mark, now=at(60), created_at=at(0)) == StraySince(at(0), Evidence.CREATION)


# -- renames -----------------------------------------------------------------------------------

RENAME = renamed(100, "bob", "rob")
NEW = Mark(account=ACCOUNT, user_name="rob")


def test_a_rename_hands_the_past_over() -> None:
    """The stray goes on under its new name: since when, by whom, what is open, how it flapped."""
    past = [event("RemoveUserFromGroup", n) for n in (1, 10)] + [event("AddUserToGroup", 5)]
    new = carried_over(replace(told([*past, RENAME]), open_user_ids=("AIDA1",)), NEW)
    assert since(new) == StraySince(at(10), Evidence.EVENT)
    assert new.cause == past[1].cause
    assert new.open_user_ids == ("AIDA1",)
    assert flaps_within_a_day(new, at(60)) == 1


def test_a_rename_hands_the_first_sighting_over() -> None:
    """Its grace does not begin anew with its name."""
    old = replace(settled(told([RENAME]), at(5)), seen_at=at(20))
    assert since(carried_over(old, NEW)) == StraySince(at(20), Evidence.SIGHTING)


def test_what_the_new_name_meant_before_is_about_another() -> None:
    """Somebody else was called rob until lately: its leaving is no news about the one now."""
    others = told([event("RemoveUserFromGroup", 50, user="rob")], NEW)
    new = carried_over(told([event("RemoveUserFromGroup", 10), RENAME]), others)
    assert since(new) == StraySince(at(10), Evidence.EVENT)
    assert new.cause == event("RemoveUserFromGroup", 10).cause


def test_events_under_the_new_name_may_overtake_the_rename() -> None:
    """What came after the rename is about the user, and stays."""
    later = [event("AddUserToGroup", 120, user="rob"), event("RemoveUserFromGroup", 130)]
    new = carried_over(told([event("RemoveUserFromGroup", 10), RENAME]), told(later, NEW))
    assert since(new) == StraySince(at(130), Evidence.EVENT)
    assert new.cause == later[1].cause


def test_a_rename_told_of_late_hands_over_nothing_of_who_took_the_name_since() -> None:
    """The mark holds the past that the taker brought along: the former bearer has none of it."""
    taker = replace(told([event("RemoveUserFromGroup", 10)]), taken_at=at(150))
    new = carried_over(with_event(taker, RENAME), NEW)
    assert new == replace(NEW, taken_at=at(100))


def test_carrying_over_twice_changes_nothing() -> None:
    """A function killed half-way through a rename is run again."""
    old = replace(told([event("RemoveUserFromGroup", 10), RENAME]), open_user_ids=("AIDA1",))
    once = carried_over(old, NEW)
    assert carried_over(old, once) == once


def test_findings_of_both_are_kept() -> None:
    """The new name may have an open finding of its former bearer: it is still to be closed."""
    old = replace(told([RENAME]), open_user_ids=("AIDA1",))
    new = carried_over(old, replace(NEW, open_user_ids=("AIDA2", "AIDA1")))
    assert new.open_user_ids == ("AIDA2", "AIDA1")


def test_the_old_name_keeps_only_what_came_later() -> None:
    """Somebody may be called bob again: nothing of the old bob's is held against them."""
    old = replace(told([event("RemoveUserFromGroup", 10), RENAME]), open_user_ids=("AIDA1",))
    left = left_behind(old)
    assert since(left) == StraySince(LONG_AGO, Evidence.CREATION)
    assert left.open_user_ids == ()
    assert is_given_up_since(left, at(50))


def test_a_new_bearer_of_the_old_name_keeps_its_events() -> None:
    """CreateUser of a second bob may arrive before the first one's rename."""
    second = event("CreateUser", 110)
    left = left_behind(told([event("RemoveUserFromGroup", 10), second, RENAME]))
    assert since(left, created_at=at(110)) == StraySince(at(110), Evidence.EVENT)
    assert left.cause == second.cause


def test_a_late_rename_takes_nothing_of_the_next_bearer() -> None:
    """The rename arrives when a second bob has been made: what is later than it is the second's."""
    second = event("CreateUser", 110)
    first = event("RemoveUserFromGroup", 10)
    new = carried_over(told([first, second, event("AddUserToGroup", 120), RENAME]), NEW)
    assert since(new) == StraySince(at(10), Evidence.EVENT)
    assert new.cause is None
    assert flaps_within_a_day(new, at(200)) == 0


def test_a_user_created_in_the_second_of_a_rename_took_the_freed_name() -> None:
    """CloudTrail tells whole seconds: the creation is no news about the one renamed away."""
    old = told([event("CreateUser", 100), RENAME])
    assert since(carried_over(old, NEW)).evidence is Evidence.CREATION
    assert since(left_behind(old), created_at=at(100)) == StraySince(at(100), Evidence.EVENT)
    assert not is_given_up_since(left_behind(old), at(100))


def test_a_name_that_was_given_up_is_no_longer_the_users() -> None:
    """A check asked for before the rename is about one who bears another name now."""
    old = told([RENAME])
    assert is_given_up_since(old, at(50))
    assert not is_given_up_since(old, at(150))


def test_who_is_renamed_away_and_back_bears_the_name_again() -> None:
    """Or another user bears it: either way the check is about somebody."""
    back = carried_over(told([renamed(200, "rob", "bob")], NEW), left_behind(told([RENAME])))
    assert not is_given_up_since(back, at(50))


# -- comparing instants that may be unknown ----------------------------------------------------


def test_the_latest_of_what_is_known() -> None:
    """Unknown instants do not count; of none known there is no latest."""
    assert latest(None, at(1), at(0)) == at(1)
    assert latest(None, None) is None


@pytest.mark.parametrize(
    ("instant", "other", "after"),
    [(None, NOW, False), (None, None, False), (NOW, None, True), (NOW, NOW, False)],
)
def test_an_unknown_instant_is_after_nothing(
    instant: datetime | None, other: datetime | None, *, after: bool
) -> None:
    """And everything known is after it."""
    assert is_after(instant, other) is after


def test_at_least_includes_the_same_instant() -> None:
    """An unknown one is not at least anything."""
    assert is_at_least(NOW, NOW)
    assert not is_at_least(NOW - timedelta(seconds=1), NOW)
    assert not is_at_least(None, NOW)
