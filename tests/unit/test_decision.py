"""The decision, row by row: what facts, finding and look come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account import InGroups, InNoGroup, NoSuchUser, User
from chalicelib.domain.bearer import past_of, taken_by_look
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.decision import (
    EXEMPTIONS_AWAITED,
    FRESH,
    QUESTIONS,
    UNREAD,
    Decision,
    Row,
    Rules,
    Seen,
    decide,
)
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.facts import (
    Asked,
    Evidence,
    Fact,
    Kind,
    Mark,
    News,
    StraySince,
    told_by,
    with_news,
)
from chalicelib.domain.findings import Finding, NoFinding, Reason, Resolution, resolve, sent
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from tests.unit.finding_samples import BOB, OPENED
from tests.unit.records import ACCOUNT, NOW, USER_ID, at, event, renamed

GRACE = timedelta(minutes=15)
LAG = timedelta(seconds=3)
RULES = Rules(GRACE, LAG)
RISK = Risk(Severity.LOW, "-")
MARK = Mark(account=ACCOUNT, user_name="bob")
OPEN = sent(OPENED)
LEFT = event("RemoveUserFromGroup", -2000)
IN_GROUP = InGroups(("nurses",))
ALONE = InNoGroup(BOB)


def seen(*arrived: object, **changes: object) -> Seen:
    """Bob, looked at now, known in every way, with no finding; and the events that have come."""
    mark = MARK
    for each in arrived:
        for name, fact in told_by(each):  # type: ignore[arg-type]  # they are events
            mark = with_news(mark, News(facts=(fact,))) if name == "bob" else mark
    found = Seen(
        mark=mark,
        past=(),
        look=ALONE,
        looked_at=NOW,
        shown_at=NOW,
        origin=Origin.SETTLED,
        who=BOB,
        exemption=NotExempt(),
        last=NoFinding(),
        risk=RISK,
    )
    found = replace(found, **changes)  # type: ignore[arg-type]  # any field
    found = replace(found, shown_at=found.looked_at)
    user = found.who if isinstance(found.who, User) else None
    past = past_of(mark, lambda name: Mark(account=ACCOUNT, user_name=name), user)
    return replace(found, past=past)


def row(found: Seen, now: object = NOW) -> Row:
    """The row that fits."""
    return decide(found, now, RULES).row  # type: ignore[arg-type]  # a time


def exempt(seconds: float) -> Exempt:
    """Exempt until so many seconds past noon."""
    return Exempt("tag", "a robot", at(seconds))


CLAIMED = replace(OPENED, claimed_until=at(30))
OVER = resolve(OPEN, Resolution(Reason.JOINED_GROUP, ("nurses",)), at=at(-60), now=at(-200))


def seen_by_another_name(**changes: object) -> Seen:
    """Bob's finding goes by the name of rob, and no event told of a rename."""
    found = seen(look=IN_GROUP, last=replace(OPEN, user_name="rob"), **changes)
    took = taken_by_look(BOB, "rob", found.looked_at, after=OPEN.opened_at)
    return replace(found, mark=with_news(found.mark, News(facts=(took,))))


ROWS: dict[Row, Callable[[], Seen]] = {
    Row.ASK_WHO: lambda: seen(look=IN_GROUP, who=UNREAD, may_be_open=True),
    Row.ASK_EXEMPTION: lambda: seen(exemption=UNREAD),
    Row.ASK_FINDING: lambda: seen(last=UNREAD),
    Row.ASK_RISK: lambda: seen(risk=UNREAD),
    Row.ASK_LOOK: lambda: seen(looked_at=NOW - FRESH - timedelta(microseconds=1)),
    Row.LOOK_LATER: lambda: seen(event("AddUserToGroup", -1)),
    Row.GONE: lambda: seen(look=NoSuchUser(), who=UNREAD),
    Row.AT_PEACE: lambda: seen(look=IN_GROUP, who=UNREAD),
    Row.SETTLED: lambda: seen(LEFT, look=IN_GROUP, who=UNREAD),
    Row.UNSURE_WHO: lambda: seen_by_another_name(origin=Origin.EVENT),
    Row.CLOSE: lambda: seen(look=IN_GROUP, last=OPEN),
    Row.UNSENT: lambda: seen(last=replace(OVER, claimed_until=NOW)),
    Row.OVER_MEANWHILE: lambda: seen(event("AddUserToGroup", 10), last=OPEN, looked_at=at(60)),
    Row.STILL_OPEN: lambda: seen(LEFT, last=OPEN),
    Row.GRACE_RUNS: lambda: seen(event("RemoveUserFromGroup", -899)),
    Row.OPEN: lambda: seen(event("RemoveUserFromGroup", -900)),
}


@pytest.mark.parametrize("expected", ROWS)
def test_each_row_fits_what_it_says(expected: Row) -> None:
    """The table read aloud: one example for each row."""
    found = ROWS[expected]()
    assert row(found, max(NOW, found.looked_at if expected is Row.OVER_MEANWHILE else NOW)) is (
        expected
    )


def test_every_row_has_its_example() -> None:
    """A row that nobody can bring about is none."""
    assert ROWS.keys() == set(Row)
    assert set(Row) > QUESTIONS


# -- what is remembered --------------------------------------------------------------------------


def waited_for(*facts: Fact) -> Seen:
    """Bob is in a group; a check had waited since half a minute ago, where an exemption ended."""
    found = seen(look=IN_GROUP, who=UNREAD)
    mark = with_news(found.mark, News(asked=(Asked(at(-30), NOW),), facts=facts))
    return replace(found, mark=mark, past=facts)


def a_look(seconds: float) -> Fact:
    """A look showed no stray."""
    return Fact(id="look", kind=Kind.SETTLED, at=at(seconds))


def test_a_group_seen_first_after_an_exemptions_end_is_remembered() -> None:
    """Else who is taken out of it untold would count as a stray since that end."""
    assert row(waited_for(a_look(-40))) is Row.SETTLED
    assert row(waited_for()) is Row.SETTLED


def test_a_group_seen_once_since_then_need_not_be_remembered_again() -> None:
    """A write for nothing, at every further look."""
    assert row(waited_for(a_look(-20))) is Row.AT_PEACE


# -- what is asked, and what is not --------------------------------------------------------------


def test_who_is_in_a_group_is_not_asked_for_where_nothing_may_be_open() -> None:
    """Most events end so: in one call to IAM, and with no finding read."""
    found = seen(look=IN_GROUP, who=UNREAD, exemption=UNREAD, last=UNREAD)
    decision = decide(found, NOW, RULES)
    assert decision.row is Row.AT_PEACE
    assert decision.evaluated is not None
    assert decision.evaluated.evaluation is Evaluation.COMPLIANT


def test_the_risk_is_not_asked_for_while_the_grace_runs() -> None:
    """It takes five calls."""
    assert row(seen(event("RemoveUserFromGroup", -899), risk=UNREAD)) is Row.GRACE_RUNS


def test_a_finding_is_opened_by_a_fresh_look_alone() -> None:
    """Whatever it took to learn the rest: promise 2 is about the moment of decision."""
    old = seen(looked_at=NOW - timedelta(minutes=9))
    assert (row(old), row(replace(old, looked_at=NOW - FRESH))) == (Row.ASK_LOOK, Row.OPEN)


def test_the_grace_is_held_against_the_time_of_the_look() -> None:
    """Nobody knows what became of the user in the seconds since."""
    found = seen(event("RemoveUserFromGroup", -900), looked_at=at(-1))
    assert row(found) is Row.GRACE_RUNS


# -- news that IAM may not show yet ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "look"),
    [
        (event("CreateUser", -1), NoSuchUser()),
        (renamed(-1, "ann", "bob"), NoSuchUser()),
        (event("RemoveUserFromGroup", -1), IN_GROUP),
        (event("AddUserToGroup", -1), ALONE),
        (event("DeleteUser", -1), ALONE),
        (renamed(-1, "bob", "rob"), ALONE),
    ],
)
def test_a_look_that_contradicts_young_news_is_taken_again(told: object, look: object) -> None:
    """Once the lag is over IAM is believed again."""
    who = BOB if look is ALONE else UNREAD
    found = seen(told, look=look, who=who)
    assert row(found, at(60)) is Row.LOOK_LATER
    assert row(replace(found, looked_at=at(2))) is not Row.LOOK_LATER
    assert decide(found, NOW, RULES).look_at == NOW + LAG


def test_who_was_made_in_the_second_of_a_deletion_may_not_show_yet() -> None:
    """The name got free and was taken at once; who left last and was deleted is gone."""
    anew = seen(event("DeleteUser", -1), event("CreateUser", -1), look=NoSuchUser(), who=UNREAD)
    assert row(anew) is Row.LOOK_LATER
    gone = [event("RemoveUserFromGroup", -1), event("DeleteUser", -1)]
    assert row(seen(*gone, look=NoSuchUser(), who=UNREAD)) is Row.GONE


def test_a_look_that_shows_the_former_bearer_is_taken_again() -> None:
    """The creation told whom to expect, in a group or not."""
    former = replace(BOB, user_id="AIDAFORMER")
    for look in (InNoGroup(former), IN_GROUP):
        assert row(seen(event("CreateUser", -1), look=look, who=former)) is Row.LOOK_LATER
    assert BOB.user_id == USER_ID
    assert row(seen(event("CreateUser", -1), look=IN_GROUP)) is not Row.LOOK_LATER


def test_an_old_creation_of_another_hides_no_young_news() -> None:
    """The name had another bearer once; this one has just joined, which IAM does not show yet."""
    former = replace(BOB, user_id="AIDANEXT", created_at=at(-60))
    told = [event("CreateUser", -500), event("AddUserToGroup", -1)]
    assert row(seen(*told, look=InNoGroup(former), who=former)) is Row.LOOK_LATER


def test_a_group_other_than_the_one_left_contradicts_nothing() -> None:
    """Who left one of two groups is in the other."""
    found = seen(event("RemoveUserFromGroup", -1), look=InGroups(("ops",)), who=UNREAD)
    assert row(found) is not Row.LOOK_LATER


# -- exemptions ------------------------------------------------------------------------------------


def awaited(found: Seen) -> Decision:
    """What is decided of somebody exempt."""
    return decide(found, NOW, RULES)


def test_who_is_exempt_for_a_while_is_looked_at_when_that_is_over() -> None:
    """Its grace begins with the end of the exemption; one check is asked for, and no second."""
    found = seen(exemption=exempt(60))
    assert awaited(found).check_since == at(60)
    asked = replace(found.mark, asked=(Asked(at(60), at(900)),))
    assert awaited(replace(found, mark=asked)).check_since is None


@pytest.mark.parametrize("group", ["in a group", "far off", "without end"])
def test_an_end_that_matters_to_nobody_yet_is_not_waited_for(group: str) -> None:
    """Sweeps see to what is days away, and who is in a group is none of it."""
    far = EXEMPTIONS_AWAITED.total_seconds() + 1
    found = {
        "in a group": seen(exemption=exempt(60), look=IN_GROUP),
        "far off": seen(exemption=exempt(far)),
        "without end": seen(exemption=Exempt("tag", "a robot", None)),
    }[group]
    assert awaited(found).check_since is None


def test_an_exemption_that_ended_begins_the_grace() -> None:
    """Not what was before."""
    found = seen(LEFT, exemption=NotExempt(ended=at(-60)))
    assert decide(found, NOW, RULES).since == StraySince(at(-60), Evidence.EXEMPTION_ENDED)


# -- findings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moves", "group"),
    [
        ([event("AddUserToGroup", 10, group="ops")], "ops"),
        ([event("RemoveUserFromGroup", 10, group="dev")], "dev"),
    ],
)
def test_an_episode_that_events_say_is_over_is_closed(moves: list[object], group: str) -> None:
    """Though no look saw the user in the group, which is named; so is who put it there, if told."""
    found = seen(*moves, last=OPEN, looked_at=at(60))
    decision = decide(found, at(60), RULES)
    assert decision.resolution is not None
    assert replace(decision.resolution, cause=None) == Resolution(Reason.JOINED_GROUP, (group,))
    by = decision.resolution.cause
    assert (by.group_name if by else None) == (group if group == "ops" else None)
    assert decision.over_at == at(10)


def test_what_is_resolved_counts_as_settled() -> None:
    """The next episode cannot have begun before the last one ended."""
    decision = decide(seen(LEFT, last=replace(OVER, outbox=())), NOW, RULES)
    assert decision.since == StraySince(NOW, Evidence.SIGHTING)


def test_a_look_from_before_a_finding_opened_does_not_close_it() -> None:
    """A sweep read that the user was exempt; the exemption ended, and a check found a stray."""
    earlier = OPEN.opened_at - timedelta(microseconds=1)
    assert row(seen(look=IN_GROUP, last=OPEN, looked_at=earlier)) is Row.ASK_LOOK
    assert row(seen(look=IN_GROUP, last=OPEN, looked_at=OPEN.opened_at)) is Row.CLOSE


def test_who_is_told_deleted_is_an_old_answer_under_a_name_that_was_taken() -> None:
    """IAM still shows the one before; nobody told the id of who came by a rename."""
    told = (event("CreateUser", -4), event("DeleteUser", -2), renamed(-2, "eve", "bob"))
    assert row(seen(*told)) is Row.LOOK_LATER
    assert row(seen(told[0], told[2])) is not Row.LOOK_LATER


def test_a_look_from_before_a_finding_ended_opens_no_other() -> None:
    """A sweep saw the user in a group meanwhile."""
    over = replace(OVER, outbox=(), resolved_at=at(-1))
    left = event("RemoveUserFromGroup", -5000)
    assert row(seen(left, last=over, looked_at=at(-2))) is not Row.OPEN
    assert OVER.resolved_at is not None
    again = event("RemoveUserFromGroup", -900)
    assert row(seen(again, last=replace(over, resolved_at=at(-900)))) is Row.OPEN
    late = replace(over, resolved_at=at(-898))
    assert row(seen(again, last=late, looked_at=at(-899)), at(2)) is not Row.OPEN


@pytest.mark.parametrize("last", [CLAIMED, replace(OVER, claimed_until=NOW)])
@pytest.mark.parametrize("look", [IN_GROUP, ALONE])
def test_unsent_alerts_go_first(last: Finding, look: object) -> None:
    """Whoever has them in hand, and whatever the user is: alerts go out in order."""
    assert row(seen(look=look, last=last)) is Row.UNSENT


def test_a_name_that_changed_hands_lately_leaves_it_open_who_is_in_the_group() -> None:
    """Unless the user's joining was told of, or IAM has had its time."""
    taken = renamed(-60, "ann", "bob")
    found = seen(taken, look=IN_GROUP, last=OPEN, origin=Origin.EVENT)
    assert row(found) is Row.UNSURE_WHO
    assert row(found, at(900)) is Row.CLOSE
    joined = event("AddUserToGroup", -30)
    assert row(seen(taken, joined, look=IN_GROUP, last=OPEN)) is Row.CLOSE
    assert row(seen(taken, joined, look=InGroups(("ops",)), last=OPEN)) is Row.UNSURE_WHO


def test_who_was_made_with_its_name_is_surely_the_one_in_the_group() -> None:
    """Nobody had the name before: there is nobody whom IAM might still show."""
    made = event("CreateUser", -60)
    assert row(seen(made, look=IN_GROUP, last=OPEN)) is Row.CLOSE
    before = event("RemoveUserFromGroup", -300)
    assert row(seen(before, made, look=IN_GROUP, last=OPEN)) is Row.UNSURE_WHO


def test_who_has_another_name_by_now_is_not_closed_by_what_the_next_bearer_is() -> None:
    """Another was created under the name: IAM shows who had it before, whom the next exempts."""
    former = replace(BOB, user_id="AIDAFORMER")
    found = seen(event("CreateUser", -60), who=former, exemption=exempt(60), look=InNoGroup(former))
    found = replace(found, last=replace(OPEN, user_id=former.user_id, user_name="rob"))
    took = taken_by_look(former, "rob", found.looked_at, after=OPEN.opened_at)
    assert row(found) is Row.UNSURE_WHO
    assert row(replace(found, mark=with_news(found.mark, News(facts=(took,))))) is Row.UNSURE_WHO


def test_a_sweep_is_sure_who_is_in_the_group() -> None:
    """It has the user and its groups from one answer."""
    assert row(seen_by_another_name(origin=Origin.SWEEP)) is Row.CLOSE


def test_who_was_found_nowhere_does_not_come_back() -> None:
    """Ids are never used again: IAM shows what was. But what seems gone may not be, in the end."""
    gone = resolve(OPEN, Resolution(Reason.DELETED), at=NOW, now=at(-200))
    gone = replace(gone, outbox=(), claimed_until=None)
    found = seen(last=gone, looked_at=at(600))
    assert row(found, at(600)) is Row.GONE
    assert row(replace(found, looked_at=at(1000)), at(1000)) is not Row.GONE


# -- who asks for the check ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "asks"), [(Origin.EVENT, True), (Origin.SWEEP, False), (Origin.SETTLED, False)]
)
def test_the_check_of_an_event_is_on_its_way(origin: Origin, *, asks: bool) -> None:
    """A sweep need not ask for another; the check itself is the last of its kind."""
    decision = decide(seen(event("RemoveUserFromGroup", -5), origin=origin), NOW, RULES)
    assert (decision.check_since is not None) is asks


def test_a_first_sighting_is_asked_about_once() -> None:
    """Each sweep sees it, and one check is enough."""
    settled = Fact(id="s", kind=Kind.SETTLED, at=at(-60))
    found = replace(seen(origin=Origin.SWEEP), past=(settled,))
    assert decide(found, NOW, RULES).check_since == NOW
    sighted = Fact(id="t", kind=Kind.STRAY, at=at(-30), user_id=USER_ID)
    assert decide(replace(found, past=(settled, sighted)), NOW, RULES).check_since is None
