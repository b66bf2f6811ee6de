"""Reads a deployment again and again with few calls: what is costly, less often than the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.authorization_details import UnreadableUsersError, users
from chalicelib.adapters.parameters import read_parameter
from chalicelib.domain.evaluation import UnknownGroupsError
from chalicelib.domain.exemptions import Exemptions
from chalicelib.domain.facts import Kind, Mark, begun, last_at
from chalicelib.domain.findings import Finding
from chalicelib.flows.exemptions_in_force import in_force
from chalicelib.times import utc_now
from straywatch.aws.sessions import attempts
from straywatch.errors import explain
from straywatch.findings.reading import NoSuchFinding
from straywatch.observing.census import census_of
from straywatch.observing.deployment import Observed
from straywatch.observing.graces import running_graces
from straywatch.observing.records import Census, Queues, Reading, SweepRecord, Unread
from straywatch.observing.stored import Tables
from straywatch.text import one_line

HISTORY = timedelta(days=90)
"""How far back sweeps are shown."""
_SOONEST = timedelta(seconds=5)
_SHARE = 20
"""What is read out of turn waits for twenty times as long as it took last, and 5 s at least."""
_A_LOOKS_LAG = timedelta(minutes=1)
"""A look is noted as of some seconds before it: as IAM may have been then."""
_IMPATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": attempts(2)},
    connect_timeout=3,
    read_timeout=15,
    user_agent_extra="straywatch",
)
"""A reader that comes again in seconds says that AWS does not answer, and tries again then."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the parts of a reading are renewed: `census` and `scan` cost the most."""

    census: timedelta = timedelta(minutes=5)
    scan: timedelta = timedelta(minutes=5)
    queues: timedelta = timedelta(seconds=15)


LOCAL = Pace(census=timedelta(seconds=2), scan=timedelta(seconds=2), queues=timedelta(seconds=2))
"""On the embedded AWS calls cost nothing."""


@dataclass
class DeploymentReader:
    """Reads one deployment. Between scans it follows the open findings alone."""

    session: boto3.Session
    observed: Observed
    pace: Pace = Pace()
    clock: Callable[[], datetime] = utc_now
    _findings: dict[str, Finding] = field(default_factory=dict, init=False)
    _scan_again_after: timedelta = field(default=timedelta(), init=False)
    _count_again_after: timedelta = field(default=timedelta(), init=False)
    _counted: frozenset[tuple[str, object]] = field(default=frozenset(), init=False)
    _asked: frozenset[tuple[str, datetime]] = field(default=frozenset(), init=False)
    _unreadable: tuple[str, ...] = field(default=(), init=False)
    _sweeps: tuple[SweepRecord, ...] = field(default=(), init=False)
    _census: Census | Unread = field(default=Unread("not read yet"), init=False)
    _queues: Queues | Unread = field(default=Unread("not read yet"), init=False)
    _done_at: dict[str, datetime] = field(default_factory=dict, init=False)

    def read(self) -> Reading:
        """Read what is due. Raises BotoCoreError and ClientError where the tables do not answer."""
        now = self.clock()
        marks = self._tables.marks()
        if self._is_due("scan", self.pace.scan, now):
            self._scan(now)
        else:
            self._follow()
            ends = self._unseen_ends(marks)
            if ends - self._asked and self._is_due("scan", self._scan_again_after, now):
                self._scan(now)
                self._asked = ends
        self._sweeps = self._newer_sweeps(now)
        if self._is_due("queues", self.pace.queues, now):
            self._queues = self._waiting()
        findings = sorted(self._findings.values(), key=lambda f: (f.opened_at, f.finding_id))
        noted = self._tables.configuration()
        reading = Reading(
            read_at=now,
            findings=tuple(findings),
            marks=marks,
            sweeps=self._sweeps,
            census=Unread("not read yet"),
            queues=self._queues,
            refused=in_force(noted.get("refused", ""), {}).faults,
            pause=in_force(noted.get("paused", ""), {}).exemptions.pause,
            unreadable=self._unreadable,
        )
        return self._with_census(reading)

    def _with_census(self, reading: Reading) -> Reading:
        """Count the users anew in turn, and when a finding or a grace has begun or ended since."""
        graces = running_graces(reading, self.observed.grace)
        news: frozenset[tuple[str, object]] = frozenset(
            [(f.finding_id, f.status) for f in reading.findings]
            + [(grace.user_name, grace.since) for grace in graces]
        )
        pause = self._count_again_after if news != self._counted else self.pace.census
        if self._is_due("census", min(pause, self.pace.census), reading.read_at):
            self._counted = news
            self._census = self._count(self.clock())
            self._count_again_after = self._pause(reading.read_at)
        return replace(reading, census=self._census)

    def _pause(self, begun: datetime) -> timedelta:
        """How long to wait after something that began then and has just ended."""
        return max(_SOONEST, _SHARE * (self.clock() - begun))

    def _scan(self, begun: datetime) -> None:
        found = self._tables.findings()
        self._findings = {f.finding_id: f for f in found.findings}
        self._unreadable = found.unreadable
        self._scan_again_after = self._pause(begun)

    def _unseen_ends(self, marks: Iterable[Mark]) -> frozenset[tuple[str, datetime]]:
        """Episodes that outlasted their grace and ended without a finding that was ever seen.

        One that opens and is resolved between two readings is never live; a scan shows it. A scan
        is worth its cost once for each: who left one group of several looks the same, and has none.
        """
        opened = {f.user_name.lower(): f.opened_at for f in self._findings.values()}
        return frozenset(
            (mark.user_name, left.at)
            for mark in marks
            if (left := begun(mark.facts))
            and (ended_at := last_at(mark.facts, Kind.SETTLED, Kind.JOINED, Kind.DELETED))
            and ended_at + _A_LOOKS_LAG >= left.at + self.observed.grace
            and opened.get(mark.user_name.lower(), left.at) <= left.at
        )

    @cached_property
    def _tables(self) -> Tables:
        return Tables(self._client("dynamodb"), self.observed)

    @cached_property
    def _iam(self) -> Any:  # noqa: ANN401 - boto3 makes clients at run time
        return self._client("iam")

    @cached_property
    def _sqs(self) -> Any:  # noqa: ANN401 - as above
        return self._client("sqs")

    @cached_property
    def _ssm(self) -> Any:  # noqa: ANN401 - as above
        return self._client("ssm")

    def _client(self, service: str) -> Any:  # noqa: ANN401 - as above
        return self.session.client(service, config=_IMPATIENT)  # type: ignore[call-overload] # any service

    def _is_due(self, part: str, every: timedelta, now: datetime) -> bool:
        done_at = self._done_at.get(part)
        if done_at is not None and now - done_at < every:
            return False
        self._done_at[part] = now
        return True

    def _follow(self) -> None:
        """Take in the live findings; one that is live no more is looked at once again."""
        live = {finding.finding_id: finding for finding in self._tables.live().findings}
        for finding_id, known in list(self._findings.items()):
            if known.resolved_at is None and finding_id not in live:
                now_is = self._tables.finding(finding_id)
                if isinstance(now_is, Finding):
                    self._findings[finding_id] = now_is
                elif isinstance(now_is, NoSuchFinding):
                    del self._findings[finding_id]
        self._findings |= live

    def _newer_sweeps(self, now: datetime) -> tuple[SweepRecord, ...]:
        """Sweeps that began after the last one known are added to those known."""
        since = self._sweeps[-1].started_at if self._sweeps else now - HISTORY
        newer = self._tables.sweeps(since, now)
        last = self._sweeps[-1:]
        kept = (sweep for sweep in self._sweeps if sweep.started_at >= now - HISTORY)
        return (*kept, *(sweep for sweep in newer if sweep not in last))

    def _count(self, now: datetime) -> Census | Unread:
        try:
            return census_of(users(self._iam), self._exemptions(), now)
        except (UnreadableUsersError, UnknownGroupsError) as error:
            return Unread(one_line(error))
        except (BotoCoreError, ClientError) as error:
            return Unread(explain(error))

    def _exemptions(self) -> Exemptions:
        text = read_parameter(self._ssm, self.observed.config_parameter)
        return in_force(text, self._tables.configuration()).exemptions

    def _waiting(self) -> Queues | Unread:
        try:
            return Queues(
                checks=self._depth(self.observed.check_queue_url),
                dead=self._depth(self.observed.dead_letter_queue_url),
            )
        except (BotoCoreError, ClientError) as error:
            return Unread(explain(error))

    def _depth(self, url: str) -> int:
        names = ("", "NotVisible", "Delayed")
        wanted = [f"ApproximateNumberOfMessages{name}" for name in names]
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)
        return sum(int(count) for count in found["Attributes"].values())
