"""The event path on memory alone: what one event has noted, and whom it has looked at, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Notice
from chalicelib.domain.check_requests import CheckRequest, Origin
from chalicelib.domain.facts import News, Noted
from chalicelib.flows.receive import Receive
from chalicelib.flows.steps import Step
from tests.unit.finding_samples import OPENED, chosen
from tests.unit.records import ACCOUNT, at, envelope, record
from tests.unit.test_check_path import Scene

ID = OPENED.user_id


@dataclass
class Events:
    """Events of one account, each taken as it comes."""

    scene: Scene = field(default_factory=Scene)
    watched: set[Account] = field(default_factory=lambda: {ACCOUNT})
    heard: list[Account] = field(default_factory=list)
    flapping_episodes: int = 2

    def take(self, name: str, seconds: float, *, user: str = "bob", **parameters: str) -> Step:
        """Hand over a call about the user so many seconds after noon."""
        asked: Mapping[str, str] = {"userName": user, **parameters}
        if "Group" in name:
            asked = {"groupName": "nurses", **asked}
        changes: dict[str, Any] = {
            "eventTime": at(seconds).isoformat(),
            "eventID": f"{name}-{seconds}-{user}",
            "requestParameters": asked,
        }
        settings = chosen(FLAPPING_EPISODES=str(self.flapping_episodes))
        receive = Receive(
            watched=self.watched,
            commit=replace(self.scene.check.commit, settings=settings),
            clock=self.scene.clock,
            heard=self.heard.append,
        )
        return receive(envelope(record(name, **changes)))

    def rename(self, old: str, new: str, seconds: float) -> Step:
        """Hand over a rename."""
        return self.take("UpdateUser", seconds, user=old, newUserName=new)

    def asked(self) -> list[tuple[str, float, Origin]]:
        """Which names are to be looked at, since when, and why."""
        waiting = [each for each in self.scene.messages() if isinstance(each, CheckRequest)]
        return [(w.user_name, (w.since - at(0)).total_seconds(), w.origin) for w in waiting]

    def knows_of_a_finding(self, name: str = "bob") -> None:
        """Have the name's mark note a finding of its bearer."""
        noted = News(noted=(Noted(ID, 1, at(-500)),))
        ledger = self.scene.ledger
        ledger.note(ledger.mark(ACCOUNT, name), noted, at(0))


def test_who_left_is_looked_at_after_the_grace() -> None:
    """Whose account is heard of."""
    events = Events()
    assert events.take("RemoveUserFromGroup", -5) is Step.WAITING
    assert events.asked() == [("bob", -5, Origin.EVENT)]
    assert events.heard == [ACCOUNT]


def test_who_is_created_is_looked_at_by_the_finding_that_it_may_have() -> None:
    """Which is the first of its id: so the check reads it at once with the mark."""
    events = Events()
    events.take("CreateUser", -5)
    (asked,) = events.scene.messages()
    assert isinstance(asked, CheckRequest)
    assert asked.findings == (f"{ACCOUNT.key}:{ID}:1",)


def test_an_event_of_an_account_that_is_not_watched_is_ignored() -> None:
    """And nothing is noted."""
    events = Events(watched=set())
    assert events.take("RemoveUserFromGroup", -5) is Step.IGNORED
    assert (events.heard, events.asked(), events.scene.ledger.state.marks) == ([], [], {})


def test_an_older_leaving_asks_for_nothing_that_a_later_one_asks_for() -> None:
    """Events overtake one another."""
    events = Events()
    events.take("RemoveUserFromGroup", -5)
    assert events.take("RemoveUserFromGroup", -9) is Step.MERGED
    assert events.asked() == [("bob", -5, Origin.EVENT)]


def test_a_leaving_told_late_is_looked_into_under_the_name_by_now() -> None:
    """However many renames came after it."""
    events = Events()
    events.rename("bob", "rob", -8)
    events.rename("rob", "bert", -6)
    assert events.asked() == []
    assert events.take("RemoveUserFromGroup", -9) is Step.WAITING
    assert events.asked() == [("bert", -9, Origin.EVENT)]


def test_in_the_second_of_a_rename_both_names_are_looked_at() -> None:
    """Nobody can tell whether the leaving was before it or after."""
    events = Events()
    events.rename("bob", "rob", -8)
    events.take("RemoveUserFromGroup", -8)
    assert sorted(name for name, *_ in events.asked()) == ["bob", "rob"]


def test_who_is_renamed_in_its_grace_is_looked_at_under_the_new_name() -> None:
    """Since it was a stray, not since the rename."""
    events = Events()
    events.take("RemoveUserFromGroup", -9)
    assert events.rename("bob", "rob", -5) is Step.NOTED
    assert events.asked() == [("bob", -9, Origin.EVENT), ("rob", -9, Origin.EVENT)]


def test_who_has_a_finding_and_is_renamed_is_looked_at_under_the_new_name() -> None:
    """At once: it may have ceased to be a stray."""
    events = Events()
    events.knows_of_a_finding()
    events.rename("bob", "rob", -5)
    assert events.asked() == [("rob", 0, Origin.SETTLED)]


def test_a_rename_of_nobody_of_note_asks_for_nothing() -> None:
    """Most users are in their groups."""
    events = Events()
    events.rename("bob", "rob", -5)
    assert events.asked() == []


def test_who_joins_is_looked_at_if_it_may_have_a_finding() -> None:
    """By the finding's id; who has none costs no look."""
    events = Events()
    assert events.take("AddUserToGroup", -5) is Step.NOTED
    assert events.asked() == []
    events.knows_of_a_finding()
    events.take("AddUserToGroup", -4)
    (asked,) = events.scene.messages()
    assert isinstance(asked, CheckRequest)
    assert (asked.origin, asked.findings) == (Origin.SETTLED, (f"{ACCOUNT.key}:{ID}:1",))


def test_who_joins_under_a_new_name_is_looked_at_for_the_finding_of_the_old_one() -> None:
    """The old name's mark may note it."""
    events = Events()
    events.rename("rob", "bob", -8)
    events.take("AddUserToGroup", -5)
    assert events.asked() == [("bob", 0, Origin.SETTLED)]


def test_a_joining_told_late_is_looked_into_under_the_name_by_now() -> None:
    """A deletion is not: nobody is renamed after that."""
    events = Events()
    events.rename("bob", "rob", -5)
    events.take("AddUserToGroup", -8)
    assert events.asked() == [("rob", 0, Origin.SETTLED)]
    events.take("DeleteUser", -8)
    assert events.asked() == []


def test_who_flaps_is_told_of_once_a_day() -> None:
    """From the chosen number of episodes on."""
    events = Events()
    published = events.scene.topic.published
    for seconds, told in ((-90, 0), (-80, 1), (-70, 1), (86400 - 60, 1)):
        events.take("RemoveUserFromGroup", seconds)
        events.take("AddUserToGroup", seconds + 1)
        assert len(published) == told
    assert isinstance(published[0], Notice)
    events.scene.clock.advance(86400)
    for seconds in (86400 - 50, 86400 - 40):
        events.take("RemoveUserFromGroup", seconds)
        events.take("AddUserToGroup", seconds + 1)
    assert len(published) == 2


def test_flapping_is_told_only_where_that_is_chosen() -> None:
    """Zero: never."""
    events = Events(flapping_episodes=0)
    for seconds in (-90, -80, -70):
        events.take("RemoveUserFromGroup", seconds)
        events.take("AddUserToGroup", seconds + 1)
    assert events.scene.topic.published == []


def test_who_is_renamed_in_the_second_in_which_it_left_is_looked_at_under_both_names() -> None:
    """Nobody can tell which was first."""
    events = Events()
    events.take("RemoveUserFromGroup", -8)
    events.rename("bob", "rob", -8)
    assert events.asked() == [("bob", -8, Origin.EVENT), ("rob", -8, Origin.EVENT)]
