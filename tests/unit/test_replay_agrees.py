"""A replay tells what the monitor itself would have done with the same events."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account import User
from chalicelib.domain.alerts import Alert
from chalicelib.domain.decision import Rules
from chalicelib.domain.exemptions import NotExempt
from chalicelib.domain.findings import AlertType
from chalicelib.domain.floods import Limits
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.flows.check import Check
from chalicelib.flows.commit import Commit
from chalicelib.flows.floods import Floods
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.receive import Receive
from chalicelib.settings import settings_from
from straywatch.replay.figures import would_alert
from straywatch.replay.history import ReplayTotals, stretches
from straywatch.replay.intake import Intake
from straywatch.replay.store import Store
from tests.fakes import Clock, Iam, Ledger, Queue, State, Topic
from tests.unit.environment import ENVIRONMENT
from tests.unit.records import ACCOUNT
from tests.unit.trail import START, created, deleted, joined, left, renamed

GRACES = (5, 65, 905, 7205)  # never a multiple of a step: an event never falls on a check
STEP = 10
GROUPS = ("dev", "ops", "sec")


@dataclass
class World:
    """What the monitor stands on, in memory."""

    clock: Clock = field(default_factory=lambda: Clock(START))
    iam: Iam = field(default_factory=Iam)
    queue: Queue = field(default_factory=Queue)
    topic: Topic = field(default_factory=Topic)


def monitor(world: World, grace: int) -> tuple[Receive, Check]:
    """The deployed monitor on this world: its event path and its check path."""
    nothing_more = dict.fromkeys(
        ("REMINDER_HOURS", "ESCALATE_HOURS", "FLAPPING_EPISODES", "DIGEST_ABOVE"), "0"
    )
    settings = settings_from(ENVIRONMENT | nothing_more | {"GRACE_PERIOD_SECONDS": str(grace)})
    ledger = Ledger()
    commit = Commit(
        settings=settings, ledger=ledger, queue=world.queue, topic=world.topic,
        find_user=world.iam.by_id, clock=world.clock,
    )  # fmt: skip
    inquiry = Inquiry(
        iam=world.iam, memory=ledger, exemption=lambda *_: NotExempt(), clock=world.clock,
        assess=lambda _: Risk(Severity.LOW, "-"), rules=Rules(settings.grace, settings.iam_lag),
    )  # fmt: skip
    floods = Floods(
        limits=Limits(0, Severity.HIGH), documents=State(), live=lambda _: iter(()),
        in_crowd=lambda _: iter(()), queue=world.queue, topic=world.topic, clock=world.clock,
    )  # fmt: skip
    watched = frozenset({ACCOUNT})
    check = Check(watched=watched, inquiry=inquiry, commit=commit, floods=floods, clock=world.clock)
    return Receive(watched=watched, commit=commit, clock=world.clock), check


class Life:
    """A random but possible life of an account: each call is one that IAM would have allowed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._users: dict[str, User] = {}
        self._ids = 0

    def steps(self, count: int) -> list[tuple[datetime, dict[str, Any], dict[str, User]]]:
        """Return calls: when, the record, and the users after it."""
        now, told = START + timedelta(seconds=3), []
        for _ in range(count):
            now += timedelta(seconds=STEP * self._random.choice((1, 3, 8, 40, 300)))
            told.append((now, self._call(now), dict(self._users)))
        return told

    def _call(self, now: datetime) -> dict[str, Any]:
        names = list(self._users)
        if not names or self._random.random() < 0.2:
            return self._create(now)
        name = self._random.choice(names)
        user = self._users[name]
        if user.groups and self._random.random() < 0.5:
            group = self._random.choice(user.groups)
            rest = tuple(g for g in user.groups if g != group)
            self._users[name] = replace(user, groups=rest)
            return left(now, name, group)
        if not user.groups and self._random.random() < 0.3:
            del self._users[name]
            return deleted(now, name)
        free = [g for g in GROUPS if g not in (user.groups or ())]
        if free and self._random.random() < 0.7:
            group = self._random.choice(free)
            self._users[name] = replace(user, groups=(*(user.groups or ()), group))
            return joined(now, name, group)
        return self._rename(now, name)

    def _create(self, now: datetime) -> dict[str, Any]:
        self._ids += 1
        free = [f"user{n}" for n in range(20) if f"user{n}" not in self._users]
        name, user_id = self._random.choice(free), f"AIDA{self._ids:017d}"
        self._users[name] = User(user_id, name, f"arn:aws:iam::1:user/{name}", "/", now, ())
        return created(now, name, user_id=user_id)

    def _rename(self, now: datetime, name: str) -> dict[str, Any]:
        free = [f"user{n}" for n in range(20) if f"user{n}" not in self._users]
        new = self._random.choice(free)
        self._users[new] = replace(self._users.pop(name), name=new)
        return renamed(now, name, new)


def alerts_of_the_monitor(seed: int, grace: int) -> set[tuple[str, datetime]]:
    """Play a life to the monitor; who was alerted on, and since when."""
    world = World()
    receive, check = monitor(world, grace)

    def run_checks(until: datetime) -> None:
        for at, body in world.queue.handed_over(until):
            world.clock.now = max(world.clock.now, at)
            check(body)

    last = START
    for last, record, users in Life(seed).steps(60):
        run_checks(last)
        world.clock.now, world.iam.users = last, users
        receive({"source": "aws.iam", "detail": record})
    run_checks(last)
    alerts = [
        m for m in world.topic.published if isinstance(m, Alert) and m.type is AlertType.OPENED
    ]
    return {(a.finding.user_id, a.finding.stray_since) for a in alerts}


def alerts_of_the_replay(seed: int, grace: int) -> set[tuple[str, datetime]]:
    """Replay the record of the same life, shuffled as files are."""
    store = Store()
    records = [record for _, record, _ in Life(seed).steps(60)]
    random.Random(seed).shuffle(records)  # noqa: S311 - repeatable, not secret
    Intake(store, datetime(2030, 1, 1, tzinfo=UTC)).take("life", records)
    return {
        (stretch.user_id, stretch.since)
        for stretch in stretches(store.events(), {}, ReplayTotals())
        if would_alert(stretch, grace)
    }


@pytest.mark.parametrize("grace", GRACES)
def test_a_replay_tells_what_the_monitor_would_have_done(grace: int) -> None:
    """For random lives of an account both alert on the same users, from the same instants on."""
    lives = [(alerts_of_the_monitor(s, grace), alerts_of_the_replay(s, grace)) for s in range(25)]
    assert any(live for live, _ in lives)
    for live, replayed in lives:
        assert replayed == live
