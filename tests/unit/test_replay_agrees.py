"""A replay tells what the monitor itself would have done with the same events."""

from __future__ import annotations

import heapq
import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.alerts import Alert, Message
from chalicelib.domain.check_requests import (
    CheckRequest,
    DigestRequest,
    delay_seconds,
    encode_check,
)
from chalicelib.domain.exemptions import NotExempt
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Write
from chalicelib.domain.marks import Mark
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.flows.check import Check
from chalicelib.flows.floods import Floods
from chalicelib.flows.lifecycle import Lifecycle
from chalicelib.flows.receive import Receive
from chalicelib.settings import settings_from
from straywatch.replay.figures import would_alert
from straywatch.replay.history import ReplayTotals, stretches
from straywatch.replay.intake import Intake
from straywatch.replay.store import Store
from tests.unit.environment import ENVIRONMENT
from tests.unit.trail import ACCOUNT, START, created, deleted, joined, left, renamed

GRACES = (5, 65, 905, 7205)  # never a multiple of a step: an event never falls on a check
STEP = 10
GROUPS = ("dev", "ops", "sec")
HERE = Account("aws", ACCOUNT)


@dataclass
class World:
    """IAM, the tables, the queue and the topic, in memory, on a clock of their own."""

    now: datetime = START
    users: dict[str, User] = field(default_factory=dict)
    marks: dict[str, Mark] = field(default_factory=dict)
    findings: dict[str, Finding] = field(default_factory=dict)
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    queue: list[tuple[datetime, int, str]] = field(default_factory=list)
    published: list[Message] = field(default_factory=list)

    def look(self, user_name: str) -> Look:
        """Answer as live IAM."""
        user = self.users.get(user_name)
        if user is None:
            return NoSuchUser()
        return InGroups(user.groups) if user.groups else InNoGroup(user)

    def user(self, user_name: str) -> User | NoSuchUser:
        """Answer as live IAM."""
        return self.users.get(user_name, NoSuchUser())

    def by_id(self, user_id: str) -> User | NoSuchUser:
        """Find the user of this id."""
        return next((u for u in self.users.values() if u.user_id == user_id), NoSuchUser())

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """Read the findings table."""
        del account
        return self.findings.get(user_id, NoFinding())

    def add(self, finding: Finding) -> Write:
        """Write to the findings table."""
        self.findings[finding.user_id] = finding
        return Write.DONE

    def update(self, finding: Finding) -> Write:
        """Write to the findings table."""
        return self.add(replace(finding, version=finding.version + 1))

    def mark(self, account: Account, user_name: str) -> Mark:
        """Read the state table."""
        return self.marks.get(user_name, Mark(account=account, user_name=user_name))

    def write(self, mark: Mark) -> Write:
        """Write to the state table."""
        self.marks[mark.user_name] = replace(mark, version=mark.version + 1)
        return Write.DONE

    def document(self, _: Account, name: str) -> Mapping[str, Any]:
        """Read a small document."""
        return self.documents.get(name, {})

    def swap_document(self, _: Account, name: str, content: Mapping[str, Any]) -> Write:
        """Write a small document: nobody else does here."""
        self.documents[name] = content
        return Write.DONE

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Queue a check."""
        at = now + timedelta(seconds=delay_seconds(due, now))
        heapq.heappush(self.queue, (at, len(self.queue), encode_check(request)))
        return at

    def publish(self, message: Message) -> None:
        """Publish to the topic."""
        self.published.append(message)


def monitor(world: World, grace: int) -> tuple[Receive, Check]:
    """The deployed monitor on this world: its event path and its check path."""
    nothing_more = dict.fromkeys(
        ("REMINDER_HOURS", "ESCALATE_HOURS", "FLAPPING_EPISODES", "DIGEST_ABOVE"), "0"
    )
    settings = settings_from(ENVIRONMENT | nothing_more | {"GRACE_PERIOD_SECONDS": str(grace)})
    lifecycle = Lifecycle(
        settings=settings, findings=world, state=world, queue=world, topic=world,
        find_user=world.by_id, clock=lambda: world.now,
    )  # fmt: skip
    floods = Floods(
        above=0, documents=world, live=lambda _: iter(()), queue=world, topic=world,
        clock=lambda: world.now,
    )  # fmt: skip
    check = Check(
        iam=world, lifecycle=lifecycle, exemption=lambda *_: NotExempt(), floods=floods,
        assess=lambda _: Risk(Severity.LOW, "-"), clock=lambda: world.now,
    )  # fmt: skip
    return Receive(lifecycle=lifecycle, clock=lambda: world.now), check


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
        while world.queue and world.queue[0][0] <= until:
            due, _, body = heapq.heappop(world.queue)
            world.now = max(world.now, due)
            check(body)

    last = START
    for last, record, users in Life(seed).steps(60):
        run_checks(last)
        world.now, world.users = last, users
        receive({"source": "aws.iam", "detail": record})
    run_checks(last)
    alerts = [m for m in world.published if isinstance(m, Alert) and m.type is AlertType.OPENED]
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
