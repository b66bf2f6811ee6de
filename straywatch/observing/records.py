"""What one reading of a deployment holds. What could not be read is `Unread`, never empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from chalicelib.domain.account import User
from chalicelib.domain.exemptions import Exempt
from chalicelib.domain.findings import Finding
from chalicelib.domain.marks import Mark
from chalicelib.times import parse_time


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


def sweep_record(attributes: Mapping[str, Any]) -> SweepRecord:
    """Read back what a sweep has recorded. Raises KeyError and ValueError for anything else."""
    counts = {
        field.name: int(attributes[field.name])
        for field in fields(SweepRecord)
        if not field.name.endswith("_at")
    }
    return SweepRecord(
        started_at=parse_time(attributes["started_at"]),
        finished_at=parse_time(attributes["finished_at"]),
        **counts,
    )


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
    """The faults for which the monitor refuses its configuration; none: it is in force."""
    unreadable: tuple[str, ...] = ()
    """The keys of items in the findings table that this version cannot read."""
