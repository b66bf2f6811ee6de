"""What one reading of a deployment holds. What could not be read is `Unread`, never empty."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account import User
from chalicelib.domain.exemptions import Exempt
from chalicelib.domain.facts import Mark
from chalicelib.domain.findings import Finding
from chalicelib.domain.pauses import Pause


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why, in one line."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepRecord:
    """What a whole sweep counted, as the findings table keeps it. Counts are of users."""

    started_at: datetime
    finished_at: datetime
    users: int
    compliant: int
    exempt: int
    strays: int
    opened: int
    gone: int
    missed_events: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One part of a drill's way, and how long it took; `why` tells what broke it."""

    name: str
    milliseconds: int
    why: str = ""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.milliseconds / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRecord:
    """A drill as the findings table keeps it: who ran it, and its legs up to the first broken."""

    started_at: datetime
    finished_at: datetime
    by: str
    user_name: str
    user_id: str
    legs: tuple[Leg, ...]

    @property
    def proven(self) -> bool:
        """Whether the way was gone to its end: only the last leg can be broken."""
        return bool(self.legs) and not self.legs[-1].why


@dataclass(frozen=True, slots=True)
class ExemptUser:
    """A user who may be a stray, and what lets it."""

    user: User
    by: Exempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """Every user of the account at one time, sorted by what it is."""

    read_at: datetime
    users: int
    compliant: frozenset[str]
    exempt: tuple[ExemptUser, ...]
    strays: tuple[User, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """How much waits: `checks` are waiting for their time or a worker, `dead` for a person."""

    checks: int
    dead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that was read of a deployment at one time. Findings and sweeps are oldest first."""

    read_at: datetime
    findings: tuple[Finding, ...]
    marks: tuple[Mark, ...]
    sweeps: tuple[SweepRecord, ...]
    census: Census | Unread
    queues: Queues | Unread
    refused: tuple[str, ...] = ()
    pause: Pause | None = None
    """The faults for which the monitor refuses its configuration; none: it is in force."""
    unreadable: tuple[str, ...] = ()
    """The keys of items in the findings table that this version cannot read."""
