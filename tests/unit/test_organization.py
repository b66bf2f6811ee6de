"""An organization's accounts: which are watched, how the list changes, and what leaving means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account, NoSuchUser
from chalicelib.domain.alerts import Alert
from chalicelib.domain.findings import AlertType, Finding, Reason, Status
from chalicelib.domain.organization import (
    InvalidSelectionError,
    Listed,
    Member,
    accounts_of,
    roster,
    selection_of,
)
from chalicelib.flows.commit import Commit
from chalicelib.flows.roster import KEPT_FOR, RefreshRoster, RosterResult, Watched
from tests.fakes import Clock, Findings, Ledger, Queue, Topic
from tests.unit.finding_samples import OPENED, SETTINGS
from tests.unit.records import ACCOUNT, NOW

OTHER = Account("aws", "222222222222")
ROOT, WARD, LAB = "r-ab12", "ou-ab12-11111111", "ou-ab12-22222222"
MEMBER = Member(OTHER, "ward-north", (ROOT, WARD), ("team=care", "Owner=ann"))


@pytest.mark.parametrize(
    ("include", "exclude", "told"),
    [
        ("", "", ""),
        ("222222222222", "", ""),
        ("111111111111", "", "not included"),
        (WARD, "", ""),
        (ROOT, "", ""),
        (LAB, "", "not included"),
        (f"{LAB}, name:ward-*", "", ""),
        ("tag:TEAM=c*", "", ""),
        ("tag:team=x", "", "not included"),
        (ROOT, "name:*-north", "excluded by name:*-north"),
        ("222222222222", "tag:owner=ann", "excluded by tag:owner=ann"),
        ("tag:owner=care", "", "not included"),
        (ROOT, f"{LAB},tag:o=n", ""),
    ],
)
def test_accounts_are_chosen_by_id_unit_tag_and_name(include: str, exclude: str, told: str) -> None:
    """What is excluded is not watched, whatever includes it."""
    assert selection_of(include, exclude).why_not(MEMBER) == told


@pytest.mark.parametrize("text", ["ward", "tag:team", "a:b=c", "name:", "ou-1", "12345", "tag:=x"])
def test_what_selects_nothing_is_refused(text: str) -> None:
    """A slip of the pen must not mean `all accounts`, nor none."""
    with pytest.raises(InvalidSelectionError, match="is no account id"):
        selection_of(text, "")


@pytest.mark.parametrize(
    ("include", "exclude", "needed"),
    [
        ("", "", False),
        (f"{ROOT},tag:a=b", "", True),
        ("", f"tag:a=b,{LAB}", True),
        (LAB, "", False),
    ],
)
def test_tags_are_read_where_the_choice_needs_them(
    include: str, exclude: str, *, needed: bool
) -> None:
    """They take a call for each account."""
    assert selection_of(include, exclude).needs_tags is needed


def test_a_list_of_accounts_is_read() -> None:
    """Twice is once."""
    assert accounts_of("222222222222, 222222222222,", "aws") == (OTHER,)
    with pytest.raises(InvalidSelectionError, match="no account id of 12 digits"):
        accounts_of("2222", "aws")


@pytest.mark.parametrize(
    ("state", "include", "unwatched"),
    [
        ("ACTIVE", "", ""),
        ("ACTIVE", LAB, "not included"),
        ("SUSPENDED", "", "its state is SUSPENDED"),
        ("SUSPENDED", LAB, "its state is SUSPENDED"),
        ("it left the organization", "", "it left the organization"),
    ],
)
def test_the_roster_says_why_an_account_is_not_watched(
    state: str, include: str, unwatched: str
) -> None:
    """What its state says goes before what was chosen."""
    told = roster([Listed(MEMBER, state)], {}, selection_of(include, ""))
    assert told == (replace(MEMBER, unwatched=unwatched),)


def test_the_roster_keeps_units_that_nobody_told() -> None:
    """Where nobody told them this time, and they were known; all else is as it is told now."""
    moving = Listed(replace(MEMBER, units=(), name="new"), "ACTIVE")
    everybody = selection_of("", "")
    before = {OTHER: replace(MEMBER, units=(ROOT, LAB), name="old")}
    assert roster([moving], before, everybody) == (replace(MEMBER, units=(ROOT, LAB), name="new"),)
    assert roster([moving], {}, everybody) == (replace(MEMBER, units=(), name="new"),)
    assert roster([Listed(MEMBER, "ACTIVE")], before, everybody) == (MEMBER,)


def test_a_member_is_stored_and_read_back() -> None:
    """As the state table keeps it."""
    assert decode(Member, encode(MEMBER)) == MEMBER
    assert (MEMBER.unit, MEMBER.tag("owner"), MEMBER.tag("none")) == (WARD, "ann", "")
    assert Member(OTHER).unit == "", "nobody told"


@dataclass
class Memory:
    """What is remembered of the accounts."""

    kept: dict[Account, Member] = field(default_factory=dict)
    reads: int = 0

    def member(self, account: Account) -> Member:
        """What is known of one."""
        self.reads += 1
        return self.kept.get(account, Member(account, unwatched="unknown"))

    def members(self) -> Iterator[Member]:
        """All."""
        return iter(tuple(self.kept.values()))

    def keep(self, member: Member) -> None:
        """Note one."""
        self.kept[member.account] = member


@dataclass
class World:
    """A hub with one finding in a member."""

    memory: Memory = field(default_factory=Memory)
    findings: Findings = field(default_factory=Findings)
    topic: Topic = field(default_factory=Topic)
    asked: list[Account] = field(default_factory=list)

    def refresh(self, *listed: Listed) -> RosterResult:
        """Read the list anew."""
        commit = Commit(
            settings=SETTINGS,
            ledger=Ledger(self.findings),
            queue=Queue(),
            topic=self.topic,
            find_user=lambda _: NoSuchUser(),
            clock=Clock(NOW, tick=timedelta(microseconds=1)),
        )

        def accounts(known: Iterable[Account]) -> Iterable[Listed]:
            self.asked = list(known)
            return listed

        return RefreshRoster(
            roster=self.memory,
            selection=selection_of("", ""),
            listed=accounts,
            live=self.findings.live,
            leave=commit.leave,
        ).run(ACCOUNT)


def test_a_new_account_is_watched_from_the_next_list_on() -> None:
    """And is asked for by name ever after, so that no list can lose it by being short."""
    world = World()
    assert world.refresh(Listed(MEMBER, "ACTIVE")) == RosterResult(1, came=1, left=0, resolved=0)
    assert world.refresh(Listed(MEMBER, "ACTIVE")) == RosterResult(1, came=0, left=0, resolved=0)
    assert world.asked == [OTHER]


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "CLOSED", "gone"])
def test_the_findings_of_an_account_that_left_are_closed_and_told(state: str) -> None:
    """Once, with the reason."""
    world = World()
    world.findings.put(replace(OPENED, account=OTHER, outbox=(), claimed_until=None))
    world.refresh(Listed(MEMBER, "ACTIVE"))
    assert world.refresh(Listed(MEMBER, state)) == RosterResult(0, came=0, left=1, resolved=1)
    (finding,) = world.findings.kept.values()
    assert finding.status is Status.RESOLVED
    assert finding.resolution is not None
    assert finding.resolution.reason is Reason.ACCOUNT_LEFT
    (alert,) = world.topic.published
    assert isinstance(alert, Alert)
    assert alert.type is AlertType.RESOLVED
    assert world.memory.kept[OTHER].unwatched.endswith(state)
    assert world.refresh(Listed(MEMBER, state)).left == 0


def test_an_account_that_is_being_moved_keeps_its_units() -> None:
    """Between two units no list of a unit holds it."""
    world = World()
    world.refresh(Listed(MEMBER, "ACTIVE"))
    world.refresh(Listed(replace(MEMBER, units=()), "ACTIVE"))
    assert world.memory.kept[OTHER].units == MEMBER.units


def test_a_list_that_breaks_off_changes_nothing() -> None:
    """The old list stays."""
    world = World()
    world.refresh(Listed(MEMBER, "ACTIVE"))

    def broken() -> Iterator[Listed]:
        yield Listed(MEMBER, "SUSPENDED")
        raise TimeoutError

    refresh = RefreshRoster(
        roster=world.memory,
        selection=selection_of("", ""),
        listed=lambda _: broken(),
        live=world.findings.live,
        leave=lambda _: None,
    )
    with pytest.raises(TimeoutError):
        refresh.run(ACCOUNT)
    assert world.memory.kept == {OTHER: MEMBER}


def test_the_own_account_is_watched_without_a_call_and_others_are_remembered() -> None:
    """An event of a busy member costs a read every few minutes, one of the own account none."""
    memory, clock = Memory({OTHER: MEMBER}), Clock(NOW)
    watched = Watched(ACCOUNT, memory, clock)
    assert ACCOUNT in watched
    assert memory.reads == 0
    assert OTHER in watched
    assert OTHER in watched
    assert Account("aws", "999999999999") not in watched
    assert "no account" not in watched
    assert memory.reads == 2
    memory.keep(replace(MEMBER, unwatched="its state is SUSPENDED"))
    clock.advance(KEPT_FOR.total_seconds())
    assert OTHER not in watched


def test_a_finding_of_an_account_that_left_is_not_closed_twice() -> None:
    """A run that was killed between is repeated whole."""
    world = World()
    closed: Finding = replace(OPENED, account=OTHER, outbox=(), claimed_until=None)
    world.findings.put(closed)
    world.refresh(Listed(MEMBER, "ACTIVE"))
    world.refresh(Listed(MEMBER, "SUSPENDED"))
    world.memory.keep(MEMBER)
    assert world.refresh(Listed(MEMBER, "SUSPENDED")).resolved == 0
    assert len(world.topic.published) == 1
