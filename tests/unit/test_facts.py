"""Facts: whatever the order in which events arrive, they tell the same story, each of its user."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account import User
from chalicelib.domain.bearer import past_of, taken_by_look
from chalicelib.domain.events import Cause, MembershipEvent
from chalicelib.domain.facts import (
    MOST_CAUSES,
    MOST_FACTS,
    Evidence,
    Fact,
    Kind,
    Mark,
    News,
    Noted,
    StraySince,
    is_given_up,
    surplus,
    told_by,
    with_news,
)
from chalicelib.domain.past import (
    begun,
    flaps_within_a_day,
    joined,
    moved_since,
    stray_since,
    thought_stray_since,
)
from tests.unit.records import ACCOUNT, USER_ID, at, event, renamed

LONG_AGO = at(-(10**6))
DAY = 86_400
OLD = User("AIDAOLD", "bob", "arn:aws:iam::123456789012:user/bob", "/", LONG_AGO)

moments = st.integers(0, 30)
events = st.lists(
    st.builds(
        event,
        st.sampled_from(["CreateUser", "RemoveUserFromGroup", "AddUserToGroup", "DeleteUser"]),
        moments,
    ),
    max_size=8,
)


class Marks(dict[str, Mark]):
    """The marks of an account's names, once events have arrived in this order."""

    def __init__(self, arrived: Iterable[MembershipEvent] = ()) -> None:
        super().__init__()
        for each in arrived:
            self.take(each)

    def take(self, event: MembershipEvent) -> None:
        """An event arrives."""
        for name, fact in told_by(event):
            self[name] = with_news(self.of(name), News(facts=(fact,)))

    def of(self, name: str) -> Mark:
        """What is known of the name."""
        return self.get(name, Mark(account=ACCOUNT, user_name=name))

    def past(self, user: User | None = None, name: str = "bob") -> tuple[Fact, ...]:
        """What is known of the name's bearer."""
        return past_of(self.of(name), self.of, user)


def user(created: float = -(10**6), user_id: str = "AIDAOLD", name: str = "bob") -> User:
    """A user as a look shows it."""
    return replace(OLD, user_id=user_id, name=name, created_at=at(created))


def since(
    arrived: Iterable[MembershipEvent], who: User = OLD, *, name: str = "bob", **more: Any
) -> StraySince:
    """Since when the bearer of a name is a stray, as of a minute past noon."""
    past = Marks(arrived).past(who, name)
    return stray_since(past, now=at(60), created_at=who.created_at, **more)


def cause(past: tuple[Fact, ...]) -> Cause | None:
    """The call that began the last episode."""
    event = begun(past)
    return event.cause if event else None


@given(events, st.data())
def test_order_and_repeats_do_not_matter(
    arrived: list[MembershipEvent], data: st.DataObject
) -> None:
    """EventBridge promises neither order nor once: any of it leads to the same set."""
    again = data.draw(st.lists(st.sampled_from(arrived), max_size=4)) if arrived else []
    shuffled = data.draw(st.permutations([*arrived, *again]))
    assert Marks(shuffled).of("bob").facts == Marks(arrived).of("bob").facts


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_who_is_created_joins_and_leaves_within_a_second_left_last(order: tuple[int, ...]) -> None:
    """Nobody joins before being created, nor leaves before joining.

    Whether a former bearer of the name joined and left is not told: no cause.
    """
    within_a_second = [
        event("CreateUser", 10), event("AddUserToGroup", 10), event("RemoveUserFromGroup", 10)
    ]  # fmt: skip
    arrived = [within_a_second[number] for number in order]
    who = user(10, USER_ID)
    assert cause(Marks(arrived).past(who)) is None
    assert since(arrived, who) == StraySince(at(10), Evidence.EVENT)


@pytest.mark.parametrize("skew", [0, 2])
def test_who_is_created_and_joins_within_a_second_was_in_the_group(skew: float) -> None:
    """It is no stray that never joined: when it left is not told, so the grace begins now."""
    arrived = [event("CreateUser", 10), event("AddUserToGroup", 10)]
    assert since(arrived, user(10 + skew, USER_ID)) == StraySince(at(60), Evidence.SIGHTING)


def test_a_removal_in_the_second_of_a_creation_may_be_the_former_bearers() -> None:
    """Who cannot be told apart gets no cause; the grace still counts from that second."""
    arrived = [event("RemoveUserFromGroup", 10), event("CreateUser", 10)]
    who = user(10, USER_ID)
    assert cause(Marks(arrived).past(who)) is None
    assert since(arrived, who) == StraySince(at(10), Evidence.EVENT)
    arrived += [event("AddUserToGroup", 10), event("DeleteUser", 10)]
    assert cause(Marks(arrived).past(who)) is None
    assert since(arrived, who) == StraySince(at(10), Evidence.EVENT)


def test_joined_and_left_within_a_second_was_left_last() -> None:
    """The same group, and a look shows that the user is in none."""
    moves = [event("AddUserToGroup", 10), event("RemoveUserFromGroup", 10)]
    assert since(moves) == StraySince(at(10), Evidence.EVENT)


# -- flapping ----------------------------------------------------------------------------------


def flaps(arrived: Iterable[MembershipEvent], now: datetime) -> int:
    """How often bob flapped."""
    return flaps_within_a_day(Marks(arrived).of("bob").facts, now)


def test_a_stretch_that_ends_in_a_group_is_counted() -> None:
    """Leaving and joining again is one episode; both directions must have been told."""
    leave, join = event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)
    assert [flaps(moves, at(60)) for moves in ([leave, join], [leave], [join])] == [1, 0, 0]


@given(st.data())
def test_flaps_are_counted_whatever_the_order(data: st.DataObject) -> None:
    """Two functions take the events, so that leaves and joins overtake each other all the time."""
    leaves = [event("RemoveUserFromGroup", 10 * n) for n in range(5)]
    joins = [event("AddUserToGroup", 10 * n + 5) for n in range(5)]
    assert flaps(data.draw(st.permutations([*leaves, *joins])), at(60)) == 5


def test_joining_before_leaving_is_no_episode() -> None:
    """Who changes from one group to another, the new one first, never was a stray."""
    assert flaps([event("AddUserToGroup", 10), event("RemoveUserFromGroup", 20)], at(60)) == 0


def test_flaps_are_forgotten_after_a_day() -> None:
    """What counts is how often it happens within a day."""
    moves = [event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)]
    assert (flaps(moves, at(19 + DAY)), flaps(moves, at(20 + DAY))) == (1, 0)


def test_a_mark_stays_small_however_much_a_user_flaps() -> None:
    """A script that flaps all day must not outgrow the table's item of 400 KB, nor go unnoticed."""
    marks = Marks()
    for number in range(1000):
        for second, name in enumerate(("RemoveUserFromGroup", "AddUserToGroup")):
            marks.take(event(name, 2 * number + second))
            marks["bob"] = with_news(marks["bob"], surplus(marks["bob"]))
    facts = marks["bob"].facts
    assert len(facts) <= MOST_FACTS
    assert sum(fact.cause is not None for fact in facts) <= 2 * MOST_CAUSES
    assert flaps_within_a_day(facts, at(2000)) >= 100
    assert since([]).evidence is Evidence.CREATION
    assert cause(marks.past(OLD)) == event("RemoveUserFromGroup", 1998).cause


# -- since when --------------------------------------------------------------------------------


def test_leaving_the_last_group_begins_the_episode() -> None:
    """The grace counts from the event's own time, not from its arrival; the last one counts."""
    leaves = [event("RemoveUserFromGroup", 10), event("RemoveUserFromGroup", 5)]
    assert since(leaves) == StraySince(at(10), Evidence.EVENT)


@pytest.mark.parametrize("skew", [-4, 0, 4])
def test_two_clocks_may_tell_one_creation(skew: float) -> None:
    """The event still counts as the creation's when IAM's own date is seconds off."""
    found = since([event("CreateUser", 10)], user(10 + skew, USER_ID))
    assert found == StraySince(at(10 + max(skew, 0)), Evidence.EVENT)


def test_an_event_from_before_the_user_was_about_another() -> None:
    """A user deleted and made again under its name does not inherit the old one's grace."""
    for told in (event("RemoveUserFromGroup", -1), event("CreateUser", -2)):
        assert since([told], user(0)) == StraySince(at(0), Evidence.CREATION)


def test_a_creation_from_before_the_user_is_anothers_though_no_id_was_told() -> None:
    """Records need not carry the id; two clocks are not minutes apart."""
    marks = Marks()
    fact = Fact(id="x", kind=Kind.CREATED, at=at(-60), cause=event("CreateUser", -60).cause)
    marks["bob"] = with_news(marks.of("bob"), News(facts=(fact,)))
    assert begun(marks.past(user(0))) is None
    assert begun(marks.past(user(-58))) == fact


def test_a_user_nobody_told_of_is_a_stray_since_its_creation() -> None:
    """With every event lost, a user never seen in a group has been a stray all its life."""
    assert since([], user(-5)) == StraySince(at(-5), Evidence.CREATION)


def test_joining_starts_a_new_grace() -> None:
    """Left at 10, joined at 20, found in no group: the second leaving is known from now on only."""
    moves = [event("RemoveUserFromGroup", 10), event("AddUserToGroup", 20)]
    assert since(moves) == StraySince(at(60), Evidence.SIGHTING)
    moves.append(event("RemoveUserFromGroup", 30))
    assert since(moves) == StraySince(at(30), Evidence.EVENT)


def looked(kind: Kind, seconds: float, user_id: str = "AIDAOLD") -> Fact:
    """What a look showed."""
    return Fact(id=f"{kind}-{seconds}-{user_id}", kind=kind, at=at(seconds), user_id=user_id)


def after_looks(*facts: Fact, arrived: Iterable[MembershipEvent] = ()) -> StraySince:
    """Since when the user is a stray, if looks have shown that, too."""
    marks = Marks(arrived)
    marks["bob"] = with_news(marks.of("bob"), News(facts=facts))
    return stray_since(marks.past(OLD), now=at(60), created_at=LONG_AGO)


def test_a_first_sighting_is_remembered() -> None:
    """Where no event tells the beginning, it counts from the first look that found it."""
    found = after_looks(looked(Kind.SETTLED, 5), looked(Kind.STRAY, 30), looked(Kind.STRAY, 40))
    assert found == StraySince(at(30), Evidence.SIGHTING)


def test_a_sighting_from_before_a_settled_stretch_does_not_count() -> None:
    """Seen, then known to be no stray at 30: a new episode, seen now for the first time."""
    found = after_looks(looked(Kind.STRAY, 5), looked(Kind.SETTLED, 30))
    assert found == StraySince(at(60), Evidence.SIGHTING)


def test_what_looks_showed_of_another_user_is_not_about_this_one() -> None:
    """A look tells the id: whoever bore the name then, it was not this user."""
    assert after_looks(looked(Kind.SETTLED, 30, "AIDAX")).evidence is Evidence.CREATION


def test_leaving_in_the_second_of_a_look_that_showed_a_group_counts() -> None:
    """The event names its second's beginning."""
    found = after_looks(looked(Kind.SETTLED, 10.5), arrived=[event("RemoveUserFromGroup", 10)])
    assert found == StraySince(at(10), Evidence.EVENT)


@pytest.mark.parametrize("before", [at(20), at(50)])
def test_a_sweep_that_saw_no_stray_settles_too(before: datetime) -> None:
    """Who was no stray when a whole sweep looked is one only since then."""
    assert since([], swept_at=before) == StraySince(at(60), Evidence.SIGHTING)
    left = [event("RemoveUserFromGroup", 10)]
    assert since(left, swept_at=before) == StraySince(at(10), Evidence.EVENT)
    assert since(left, settled_before=before) == StraySince(at(60), Evidence.SIGHTING)
    left = [event("RemoveUserFromGroup", 55)]
    assert since(left, settled_before=before) == StraySince(at(55), Evidence.EVENT)


def test_the_end_of_an_exemption_begins_the_grace() -> None:
    """Nobody is a violation the moment an exemption runs out; the later beginning counts."""
    left = [event("AddUserToGroup", 5), event("RemoveUserFromGroup", 10)]
    found = since(left, exemption_ended=at(40))
    assert found == StraySince(at(40), Evidence.EXEMPTION_ENDED)
    assert since(left, exemption_ended=at(-40)) == StraySince(at(10), Evidence.EVENT)
    assert since(left[:1], exemption_ended=at(40)) == StraySince(at(60), Evidence.SIGHTING)
    awaited = since(left[:1], exemption_ended=at(40), was_awaited=True)
    assert awaited == StraySince(at(40), Evidence.EXEMPTION_ENDED)


@given(events, moments)
def test_the_episode_begins_within_the_users_life(
    arrived: list[MembershipEvent], born: int
) -> None:
    """Whatever events say, the grace is within the user's life and the past."""
    assert at(born) <= since(arrived, user(born, USER_ID)).at <= at(60)


@given(events)
def test_the_episode_never_begins_before_the_user_last_joined(
    arrived: list[MembershipEvent],
) -> None:
    """Promise 3: no alert before one unbroken grace, as far as the events can tell."""
    past = Marks(arrived).past(OLD)
    last = max((fact.at for fact in past if fact.kind is Kind.JOINED), default=LONG_AGO)
    assert stray_since(past, now=at(60), created_at=LONG_AGO).at >= last


# -- names that change hands -------------------------------------------------------------------

SWAP = [
    event("AddUserToGroup", 10),
    event("RemoveUserFromGroup", 12),
    renamed(20, "bob", "tmp"),
    renamed(21, "ann", "bob"),
]
"""Bob joins and leaves, then gives his name up, and Ann takes it."""
ANN = user(name="bob", user_id="AIDAANN")


@pytest.mark.parametrize("order", list(permutations(range(5))))
def test_what_a_name_told_of_its_former_bearer_is_not_about_the_next(
    order: tuple[int, ...],
) -> None:
    """In all orders: Ann left her group at 1, and whatever Bob did at 10 and 12 is his."""
    story = [event("RemoveUserFromGroup", 1, user="ann"), *SWAP]
    marks = Marks(story[number] for number in order)
    past = marks.past(ANN)
    assert stray_since(past, now=at(60), created_at=LONG_AGO) == StraySince(at(1), Evidence.EVENT)
    assert cause(past) == story[0].cause
    assert moved_since(past, at(5)) is None
    bobs = marks.past(user(name="tmp"), "tmp")
    assert begun(bobs) == told_by(SWAP[1])[0][1]


def test_names_that_go_round_within_a_second_tell_nothing_of_before() -> None:
    """Who cannot be told apart gets no cause, and no grace that was another's."""
    swap = [renamed(20, "ann", "tmp"), renamed(20, "bob", "ann"), renamed(20, "tmp", "bob")]
    past = Marks([event("RemoveUserFromGroup", 12), *swap]).past(ANN)
    assert begun(past) is None


def test_a_swap_within_a_second_keeps_what_is_known_of_both() -> None:
    """Where both names were borne before, it is plain who gave up which."""
    story = [
        event("RemoveUserFromGroup", 1, user="ann"),
        event("RemoveUserFromGroup", 2),
        renamed(20, "ann", "tmp"),
        renamed(20, "bob", "ann"),
        renamed(20, "tmp", "bob"),
    ]
    for order in permutations(story):
        marks = Marks(order)
        assert cause(marks.past(ANN)) == story[0].cause
        assert cause(marks.past(user(name="ann"), "ann")) == story[1].cause


def test_a_rename_goes_back_and_forth() -> None:
    """The user's past is where it was told: under each of its names, in its own time."""
    story = [
        event("RemoveUserFromGroup", 1),
        renamed(5, "bob", "rob"),
        event("AddUserToGroup", 6, user="rob"),
        renamed(7, "rob", "bob"),
        event("RemoveUserFromGroup", 8),
    ]
    past = Marks(story).past(OLD)
    assert [fact.at for fact in past if fact.kind is not Kind.TOOK] == [at(1), at(6), at(8)]


def test_who_takes_a_name_and_leaves_within_the_second_has_left_for_no_known_cause() -> None:
    """Given up before, as its event told; but whoever had it in between may be untold."""
    story = [renamed(5, "bob", "rob"), renamed(7, "rob", "bob"), event("RemoveUserFromGroup", 7)]
    for arrived in (story, story[1:]):
        assert since(arrived, OLD) == StraySince(at(7), Evidence.EVENT)
        assert cause(Marks(arrived).past(OLD)) is None


def test_a_user_created_in_the_second_of_a_rename_took_the_freed_name() -> None:
    """CloudTrail tells whole seconds: the creation is no news about the one renamed away."""
    marks = Marks(
        [event("AddUserToGroup", 1), event("CreateUser", 100), renamed(100, "bob", "rob")]
    )
    assert begun(marks.past(user(name="rob"), "rob")) is None
    assert since([], user(100, USER_ID)).at == at(100)
    assert begun(marks.past(user(100, USER_ID))) is not None


def test_who_was_created_and_renamed_within_a_second_has_its_creation() -> None:
    """The id that CreateUser told says that it is the one renamed away."""
    marks = Marks([event("CreateUser", 100), renamed(100, "bob", "rob")])
    found = begun(marks.past(user(100, USER_ID, "rob"), "rob"))
    assert found is not None
    assert found.kind is Kind.CREATED


@pytest.mark.parametrize("end", [event("DeleteUser", 10), renamed(10, "bob", "rob")])
def test_what_was_before_an_end_is_about_nobody_who_came_after(end: MembershipEvent) -> None:
    """Somebody bears the name again, and nobody told how it came by it."""
    arrived = [event("RemoveUserFromGroup", 5), end, event("RemoveUserFromGroup", 20)]
    assert since(arrived[:2]).evidence is Evidence.CREATION
    past = Marks(arrived).past(OLD)
    assert (begun(past) is not None, cause(past)) == (True, None)
    assert cause(Marks(arrived).past(user(15))) == arrived[2].cause


def test_somebody_elses_creation_takes_the_cause_away() -> None:
    """The name was given to another later than the user was made: it took the name untold."""
    arrived = [event("RemoveUserFromGroup", 5), event("CreateUser", 10)]
    assert begun(Marks(arrived).past(OLD)) is None
    arrived.append(event("RemoveUserFromGroup", 20))
    past = Marks(arrived).past(OLD)
    assert (begun(past) is not None, cause(past)) == (True, None)
    past = Marks(arrived).past(user(15, "AIDANEXT"))  # it may have been made under another name
    assert (begun(past) is not None, cause(past)) == (True, None)


@pytest.mark.parametrize("shown", ["noted", "seen"])
def test_who_was_seen_under_the_name_is_sure_to_have_left(shown: str) -> None:
    """Another bore the name before, and nobody told how it got it: it had it by the look."""
    left = event("RemoveUserFromGroup", 30)
    marks, who = Marks([event("CreateUser", 1), left]), user(15, "AIDANEXT")
    news = {
        "noted": News(noted=(Noted("AIDANEXT", 1, at(20)),)),
        "seen": News(facts=(looked(Kind.SETTLED, 20, "AIDANEXT"),)),
    }[shown]
    marks["bob"] = with_news(marks["bob"], news)
    assert cause(marks.past(who)) == left.cause
    assert moved_since(marks.past(who), at(20)) == at(30)
    marks.take(renamed(25, "ann", "bob"))
    marks.take(event("DeleteUser", 26))
    assert cause(marks.past(who)) is None


@pytest.mark.parametrize("seconds", [25, 35])
def test_a_move_next_to_a_look_that_showed_another_may_be_the_others(seconds: float) -> None:
    """Names were swapped untold, and swapped back: nobody knows who moved."""
    left = event("RemoveUserFromGroup", 30)
    marks, who = Marks([event("CreateUser", 1), left]), user(1, USER_ID)
    assert moved_since(marks.past(who), at(20)) == at(30)
    marks["bob"] = with_news(marks["bob"], News(noted=(Noted("AIDANEXT", 1, at(seconds)),)))
    past = marks.past(who)
    assert (begun(past) is not None, cause(past), moved_since(past, at(20))) == (True, None, None)
    marks.take(event("AddUserToGroup", 31))
    assert joined(marks.past(who)) is not None  # it may be in a group: nothing is opened on that
    assert moved_since(marks.past(who), at(20)) is None
    marks.take(renamed(32, "bob", "rob"))  # told: the one seen at 35 is the next
    assert cause(marks.past(who, "rob")) == (left.cause if seconds == 35 else None)


def test_who_was_seen_under_a_name_is_who_gave_it_up() -> None:
    """Its former bearer was deleted, and nobody told of its own creation; its moves are its own."""
    left = event("RemoveUserFromGroup", 30, user="ann")
    marks, who = Marks([event("DeleteUser", 1, user="ann"), left]), user(15, "AIDANEXT")
    marks["ann"] = with_news(marks["ann"], News(noted=(Noted("AIDANEXT", 1, at(20)),)))
    marks.take(renamed(40, "ann", "bob"))
    assert cause(marks.past(who)) == left.cause


def test_a_rename_from_before_the_user_was_made_was_anothers() -> None:
    """Whoever took the name was deleted untold, and the user made."""
    arrived = [renamed(10, "ann", "bob"), event("RemoveUserFromGroup", 20)]
    assert begun(Marks(arrived).past(user(30))) is None
    assert begun(Marks(arrived).past(OLD)) is not None


def test_a_name_taken_by_somebody_else_tells_nothing_of_the_one_shown() -> None:
    """IAM may show for minutes who had the name before: what its taker did is not its cause."""
    arrived = [
        event("CreateUser", 1, user="ann"),
        renamed(20, "bob", "rob"),
        renamed(20, "ann", "bob"),
        event("RemoveUserFromGroup", 21),
    ]
    arrived += [event("AddUserToGroup", 22)]
    past = Marks(arrived).past(OLD)
    assert (cause(past), joined(past), moved_since(past, at(0))) == (None, None, None)
    assert joined(Marks(arrived).past(user(1, USER_ID))) is not None


def test_who_bore_its_old_name_untold_has_left_when_events_say_so() -> None:
    """Somebody else was made under that name once: whose moves they are, nobody can say."""
    arrived = [
        event("CreateUser", 1, user="ann"),
        event("RemoveUserFromGroup", 12),
        renamed(20, "ann", "bob"),
        event("RemoveUserFromGroup", 30),
    ]
    who = user(15, "AIDANEXT")
    assert since(arrived, who) == StraySince(at(30), Evidence.EVENT)
    assert cause(Marks(arrived).past(who)) is None


def test_a_name_that_another_gave_up_untold_is_still_the_users_of_whom_it_is_told() -> None:
    """Ann was made anew, which nobody told, and renamed: nobody else ever was called bob."""
    arrived = [
        event("CreateUser", 1, user="ann"),
        renamed(20, "ann", "bob"),
        event("AddUserToGroup", 30),
    ]
    assert joined(Marks(arrived).past(user(5, "AIDANEXT"))) is not None


def test_a_removal_in_the_second_of_an_untold_creation_may_be_the_former_bearers() -> None:
    """The user's own date of creation says so: no cause."""
    arrived = [event("RemoveUserFromGroup", 10)]
    assert cause(Marks(arrived).past(user(10))) is None
    assert since(arrived, user(10)) == StraySince(at(10), Evidence.EVENT)


def test_a_look_at_the_next_bearer_settles_nothing_of_the_former() -> None:
    """It was taken after the name was given up, though it may show what was before."""
    marks = Marks([event("RemoveUserFromGroup", 1), renamed(20, "bob", "rob")])
    looked_after = Fact(id="s", kind=Kind.SETTLED, at=at(21), after=at(18))
    marks["bob"] = with_news(marks["bob"], News(facts=(looked_after,)))
    assert thought_stray_since(marks.past(user(name="rob"), "rob")) == at(1)


def test_a_sighting_that_may_be_older_than_a_joining_does_not_count() -> None:
    """IAM showed a stray when the event of its joining was on the way."""
    joined_at_30 = [event("AddUserToGroup", 30)]
    early = Fact(id="t", kind=Kind.STRAY, at=at(32), after=at(29), user_id="AIDAOLD")
    assert after_looks(early, arrived=joined_at_30).at == at(60)
    late = replace(early, at=at(40), after=at(37))
    assert after_looks(early, late, arrived=joined_at_30) == StraySince(at(40), Evidence.SIGHTING)


def test_a_look_that_finds_a_rename_drops_what_was_before() -> None:
    """Until its event comes after all, which says exactly when it was."""
    marks = Marks([event("RemoveUserFromGroup", 5), event("AddUserToGroup", 30)])
    took = taken_by_look(OLD, "old", at(40), after=at(15))
    marks["bob"] = with_news(marks["bob"], News(facts=(took,)))
    assert (begun(marks.past(OLD)), joined(marks.past(OLD))) == (None, None)
    marks.take(renamed(20, "old", "bob"))
    assert begun(marks.past(OLD)) is None
    later = event("RemoveUserFromGroup", 50)
    told = with_news(marks.of("bob"), News(facts=(told_by(later)[0][1],)))
    assert cause(past_of(told, marks.of, OLD)) == later.cause
    assert joined(marks.past(OLD)) is not None
    marks["bob"] = with_news(marks["bob"], News(facts=(replace(took, after=at(25)),)))
    assert joined(marks.past(OLD)) is None  # it was seen under its old name since: another's rename


def test_a_look_that_finds_two_renames_waits_for_the_events_of_both() -> None:
    """It knew the user by its first name: what was told by then under any of them is the user's."""
    marks = Marks([event("RemoveUserFromGroup", 19, user="old")])
    took = taken_by_look(OLD, "old", at(40), after=at(15))
    marks["bob"] = with_news(marks.of("bob"), News(facts=(took,)))
    marks.take(renamed(20, "tmp", "bob"))
    assert moved_since(marks.past(OLD), at(5)) is None  # who was called tmp is not told
    marks.take(renamed(20, "old", "tmp"))
    assert moved_since(marks.past(OLD), at(5)) == at(19)


def test_a_rename_that_a_look_found_is_told_though_the_name_was_taken_anew_at_once() -> None:
    """The name between the two went to somebody else in the second in which it was given up."""
    marks, who = Marks([event("CreateUser", 1, user="ann")]), user(1, USER_ID, "cyd")
    took = taken_by_look(who, "ann", at(50), after=at(10))
    marks["cyd"] = with_news(marks.of("cyd"), News(facts=(took,)))
    left = event("RemoveUserFromGroup", 30, user="bob")
    for each in (renamed(20, "ann", "bob"), left, renamed(40, "bob", "cyd")):
        marks.take(each)
    marks.take(renamed(40, "dan", "bob"))
    assert cause(marks.past(who, "cyd")) == left.cause


def test_who_bore_the_new_name_before_came_to_the_old_one_untold() -> None:
    """What was told under that one until then was about somebody else, or nobody can say."""
    marks = Marks([event("AddUserToGroup", 10, user="ann"), renamed(20, "ann", "bob")])
    who = user(1, USER_ID)
    assert joined(marks.past(who)) is not None
    marks["bob"] = with_news(marks.of("bob"), News(noted=(Noted(USER_ID, 1, at(5)),)))
    assert joined(marks.past(who)) is None


def test_a_later_rename_is_no_part_of_a_second_in_which_a_name_went_forth_and_back() -> None:
    """Three renames in all, two of them within a second."""
    story = [
        event("CreateUser", 1),
        event("RemoveUserFromGroup", 15),
        renamed(20, "bob", "tmp"),
        renamed(20, "tmp", "bob"),
        renamed(30, "bob", "dan"),
    ]
    assert cause(Marks(story).past(user(1, USER_ID, "dan"), "dan")) == story[1].cause


def test_who_went_forth_and_back_while_another_made_way_has_its_past() -> None:
    """Within one second: by its id, who had the name before can only be the one who made way."""
    story = [
        event("AddUserToGroup", 10),
        event("CreateUser", 12, user="ann"),
        renamed(20, "ann", "dan"),
        renamed(20, "bob", "ann"),
        renamed(20, "ann", "bob"),
    ]
    assert joined(Marks(story).past(OLD)) is not None


def test_names_that_go_round_within_a_second_lead_nowhere() -> None:
    """Not even back to the name by which a look knew the user; and there is an end to asking."""
    marks = Marks([renamed(20, "tmp", "bob"), renamed(20, "bob", "tmp")])
    took = taken_by_look(OLD, "old", at(40), after=at(15))
    marks["bob"] = with_news(marks.of("bob"), News(facts=(took,)))
    assert [fact.id for fact in marks.past(OLD)] == [took.id]


def test_what_tells_the_users_id_is_about_the_user_whatever_became_of_its_name() -> None:
    """It gave its name up, which nobody told, and took it again: it is as old as it was."""
    story = [event("CreateUser", 1), renamed(20, "tmp", "bob")]
    who = user(1, USER_ID)
    assert since(story, who, swept_at=at(10)) == StraySince(at(1), Evidence.EVENT)
    story.append(event("AddUserToGroup", 5))
    assert since(story, who, swept_at=at(10)) == StraySince(at(60), Evidence.SIGHTING)
    story.append(event("DeleteUser", 7))
    assert joined(Marks([*story, event("AddUserToGroup", 8)]).past(who)) is not None
    assert joined(Marks([*story[:2], *story[3:], event("AddUserToGroup", 8)]).past(who)) is None


def test_two_created_within_a_second_are_told_apart_by_their_ids() -> None:
    """Which came first is not told: whom IAM shows under the name now was the last."""
    first, second = event("CreateUser", 10), event("CreateUser", 10, group="again")
    second = replace(second, user_id="AIDANEXT")
    for arrived in ([first, second], [second, first]):
        for user_id in (USER_ID, "AIDANEXT"):
            found = since(arrived, user(10, user_id), swept_at=at(20))
            assert found == StraySince(at(10), Evidence.EVENT)


def test_a_look_at_another_tells_nothing_of_whom_a_creation_names() -> None:
    """In the second of the rename somebody else was made under the name, and was seen."""
    marks = Marks([event("CreateUser", 1), renamed(20, "bob", "rob")])
    other = looked(Kind.STRAY, 20, "AIDANEXT")
    marks["bob"] = with_news(marks["bob"], News(facts=(other,)))
    assert thought_stray_since(marks.past(name="rob")) == at(1)


def test_a_name_that_was_given_up_is_no_longer_the_users() -> None:
    """A check asked for before the rename is about one who bears another name now."""
    marks = Marks([renamed(100, "bob", "rob")])
    assert is_given_up(marks.of("bob"), at(50))
    assert not is_given_up(marks.of("bob"), at(150))
    marks.take(renamed(200, "rob", "bob"))
    assert not is_given_up(marks.of("bob"), at(50))


def test_a_finding_noted_under_a_name_shows_that_somebody_bore_it() -> None:
    """In the second of a rename that tells who gave the name up, and who took it."""
    marks = Marks([renamed(20, "bob", "ann"), renamed(20, "ann", "rob")])
    rob = user(name="rob")
    noted = News(noted=(Noted("AIDAOLD", 1, at(5)),))
    assert [f.name for f in marks.past(rob, "rob")] == ["ann", "bob"]
    marks["ann"] = with_news(marks["ann"], noted)
    assert [f.name for f in marks.past(rob, "rob")] == ["ann"]


def test_a_sighting_after_a_joining_is_a_stray_again() -> None:
    """It left, which nobody told: found in a group after that, it is settled."""
    marks = Marks([event("AddUserToGroup", 10)])
    marks["bob"] = with_news(marks["bob"], News(facts=(looked(Kind.STRAY, 30),)))
    assert thought_stray_since(marks.past(OLD)) == at(30)
    marks.take(event("AddUserToGroup", 40))
    assert thought_stray_since(marks.past(OLD)) is None
    marks.take(event("RemoveUserFromGroup", 20))
    assert thought_stray_since(marks.past(OLD)) is None


def test_an_event_told_late_tells_more_than_a_sighting() -> None:
    """A sweep saw it first, at 30; then came the event, of what had been at 10."""
    marks = Marks([event("RemoveUserFromGroup", 10)])
    marks["bob"] = with_news(marks["bob"], News(facts=(looked(Kind.STRAY, 30),)))
    assert thought_stray_since(marks.past(OLD)) == at(10)


# -- what may be going on ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["RemoveUserFromGroup"], at(0)),
        (["CreateUser"], at(0)),
        (["RemoveUserFromGroup", "AddUserToGroup"], None),
        (["AddUserToGroup", "RemoveUserFromGroup"], at(10)),
        (["RemoveUserFromGroup", "DeleteUser"], None),
        ([], None),
    ],
)
def test_who_may_be_a_stray_as_far_as_events_tell(
    names: list[str], expected: datetime | None
) -> None:
    """Without a look: what a grace counts from, or that nothing is under way."""
    past = Marks(event(name, 10 * number) for number, name in enumerate(names)).past()
    assert thought_stray_since(past) == expected
