"""What the monitor stands on, in memory: IAM, the tables, the queue, the topic and a clock.

They keep what they are given and refuse what AWS refuses; each test asks them what it needs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.alerts import Message
from chalicelib.domain.check_requests import (
    CheckRequest,
    DigestRequest,
    delay_seconds,
    encode_check,
)
from chalicelib.domain.facts import Mark, News, with_news
from chalicelib.domain.findings import Finding, NoFinding, Status, Write


class UnavailableError(Exception):
    """AWS refused, or the function was killed at this call."""


@dataclass
class Clock:
    """A clock that tests set. `tick` makes no two looks at it show the same."""

    now: datetime
    tick: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """The time it is set to."""
        shown = self.now
        self.now += self.tick
        return shown

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


@dataclass
class RestingClock:
    """A clock in seconds that moves only when somebody sleeps."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class Iam:
    """Users by name, as live IAM tells of them."""

    users: dict[str, User] = field(default_factory=dict)

    def look(self, user_name: str) -> Look:
        """The user's groups; or the user, in none; or that it does not exist."""
        user = self.users.get(user_name)
        if user is None:
            return NoSuchUser()
        return InGroups(user.groups) if user.groups else InNoGroup(user)

    def user(self, user_name: str) -> User | NoSuchUser:
        """The user of this name."""
        return self.users.get(user_name, NoSuchUser())

    def by_id(self, user_id: str) -> User | NoSuchUser:
        """The user of this id."""
        return next((u for u in self.users.values() if u.user_id == user_id), NoSuchUser())


@dataclass
class Findings:
    """The table of findings, written to by version.

    `before_update` lets another worker go first, once; with `answers_late` a write is done, and
    yet refused, as to the SDK that repeats a put whose answer was lost.
    """

    kept: dict[str, Finding] = field(default_factory=dict)
    before_update: Callable[[], object] | None = None
    answers_late: bool = False

    def put(self, *findings: Finding) -> None:
        """Store findings as they are, over whatever stood there."""
        self.kept |= {finding.finding_id: finding for finding in findings}

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""
        found = [f for f in self.kept.values() if (f.account, f.user_id) == (account, user_id)]
        return max(found, key=lambda finding: finding.number, default=NoFinding())

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding of this id as it stands."""
        return self.kept.get(finding_id, NoFinding())

    def live(self, account: Account) -> Iterator[Finding]:
        """The account's findings that are open."""
        kept = tuple(self.kept.values())
        return (f for f in kept if f.account == account and f.status is Status.OPEN)

    def in_crowd(self, crowd: str) -> Iterator[Finding]:
        """All that opened in a crowd, over or not."""
        return (f for f in tuple(self.kept.values()) if f.crowd == crowd)

    def add(self, finding: Finding) -> Write:
        """Store a finding that must be new."""
        if finding.finding_id in self.kept:
            return Write.CONFLICT
        self.put(finding)
        return Write.DONE

    def update(self, finding: Finding) -> Write:
        """Replace the version that was read."""
        act, self.before_update = self.before_update, None
        if act:
            act()
        if self.kept[finding.finding_id].version != finding.version:
            return Write.CONFLICT
        self.put(replace(finding, version=finding.version + 1))
        return Write.CONFLICT if self.answers_late else Write.DONE


@dataclass
class State:
    """The table of marks and small documents. `conflicts` writes of documents lose the race.

    `reads` counts those of documents.
    """

    marks: dict[str, Mark] = field(default_factory=dict)
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    conflicts: int = 0
    reads: int = 0

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name."""
        return self.marks.get(user_name.lower(), Mark(account=account, user_name=user_name))

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Add news to a name's mark; return all that it holds then."""
        del now
        noted = with_news(self.mark(mark.account, mark.user_name), news)
        self.marks[mark.user_name.lower()] = noted
        return noted

    def document(self, _: Account, name: str) -> Mapping[str, Any]:
        """A small document."""
        self.reads += 1
        return self.documents.get(name, {})

    def write_document(self, _: Account, name: str, content: Mapping[str, Any]) -> None:
        """Store a small document over whatever stood there."""
        self.documents[name] = dict(content)

    def swap_document(self, _: Account, name: str, content: Mapping[str, Any]) -> Write:
        """Replace the version that was read: `content` names it."""
        version = int(self.documents.get(name, {}).get("version", 0))
        if self.conflicts or content["version"] != version:
            self.conflicts = max(0, self.conflicts - 1)
            return Write.CONFLICT
        self.documents[name] = {**content, "version": version + 1}
        return Write.DONE


@dataclass
class Ledger:
    """Both tables as one memory."""

    findings: Findings = field(default_factory=Findings)
    state: State = field(default_factory=State)

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name."""
        return self.state.mark(account, user_name)

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""
        return self.findings.latest(account, user_id)

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """The name's mark and these findings."""
        found = {finding_id: self.findings.by_id(finding_id) for finding_id in finding_ids}
        return self.mark(account, user_name), found

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Add news to a mark."""
        return self.state.note(mark, news, now)

    def add(self, finding: Finding, mark: Mark, news: News, now: datetime) -> Write:
        """Store a finding that must be new, if the mark is as it was read."""
        if self.mark(mark.account, mark.user_name).version != mark.version:
            return Write.CONFLICT
        done = self.findings.add(finding)
        if done is Write.DONE:
            self.note(mark, news, now)
        return done

    def update(self, finding: Finding, mark: Mark | None = None, news: News | None = None) -> Write:
        """Replace the version of a finding that was read; with news, if the mark is as it was."""
        if mark and self.mark(mark.account, mark.user_name).version != mark.version:
            return Write.CONFLICT
        done = self.findings.update(finding)
        if done is Write.DONE and mark and news:
            self.note(mark, news, finding.opened_at)
        return done


@dataclass
class Queue:
    """The check queue. `asked` tells for when each message was meant, whatever SQS can delay."""

    asked: list[datetime] = field(default_factory=list)
    _waiting: list[tuple[datetime, int, str]] = field(default_factory=list)

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Queue a message; return when it is handed over."""
        at = now + timedelta(seconds=delay_seconds(due, now))
        if isinstance(request, CheckRequest):
            request = replace(request, due=at)
        heapq.heappush(self._waiting, (at, len(self.asked), encode_check(request)))
        self.asked.append(due)
        return at

    def handed_over(self, until: datetime) -> Iterator[tuple[datetime, str]]:
        """Take off what is due, also what is queued meanwhile: when, and the body."""
        while self._waiting and self._waiting[0][0] <= until:
            at, _, body = heapq.heappop(self._waiting)
            yield at, body


@dataclass
class Topic:
    """The alert topic. `broken` publishes fail."""

    published: list[Message] = field(default_factory=list)
    broken: int = 0

    def publish(self, message: Message) -> None:
        """Keep the message, or fail."""
        if self.broken:
            self.broken -= 1
            raise UnavailableError
        self.published.append(message)
