"""Whether the monitor itself is well, as far as its tables and queues tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from straywatch.observing.deployment import Observed
from straywatch.observing.figures import GAP
from straywatch.observing.graces import running_graces
from straywatch.observing.records import Reading, Unread
from straywatch.terminal.durations import spoken

LATE = timedelta(minutes=2)
"""So long after a grace, or after an alert was due to be sent, it is late."""


class Wellness(IntEnum):
    """How well something is; a greater one is worse."""

    FINE = 0
    WATCH = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at, how well it is, and what it says."""

    name: str
    level: Wellness
    text: str


def health(reading: Reading, observed: Observed) -> tuple[Sign, ...]:
    """Everything that is looked at, in a steady order."""
    return (
        _sweeps(reading, observed),
        _missed(reading),
        *_queues(reading),
        _late(reading, observed),
        _unsent(reading),
        _configuration(reading),
        *_unreadable(reading),
    )


def worst(signs: tuple[Sign, ...]) -> Wellness:
    """The level of the worst of them."""
    return max((sign.level for sign in signs), default=Wellness.FINE)


def _sweeps(reading: Reading, observed: Observed) -> Sign:
    every = spoken(observed.sweep_every.total_seconds())
    if not reading.sweeps:
        return Sign("Last sweep", Wellness.WATCH, f"none yet; one is due every {every}")
    age = reading.read_at - reading.sweeps[-1].started_at
    if age > GAP * observed.sweep_every:
        ago = spoken(age.total_seconds())
        return Sign("Last sweep", Wellness.BAD, f"{ago} ago; one is due every {every}")
    return Sign("Last sweep", Wellness.FINE, "in time")


def _missed(reading: Reading) -> Sign:
    missed = reading.sweeps[-1].missed_events if reading.sweeps else 0
    if missed:
        return Sign("Missed events", Wellness.WATCH, f"{missed} before the last sweep")
    return Sign("Missed events", Wellness.FINE, "none")


def _queues(reading: Reading) -> tuple[Sign, ...]:
    queues = reading.queues
    if isinstance(queues, Unread):
        return (Sign("Queues", Wellness.WATCH, f"could not be read: {queues.reason}"),)
    dead = f"{queues.dead:,}; `straywatch redrive` tells why" if queues.dead else "none"
    return (
        Sign("Dead letters", Wellness.BAD if queues.dead else Wellness.FINE, dead),
        Sign("Checks waiting", Wellness.FINE, f"{queues.checks:,}" if queues.checks else "none"),
    )


def _late(reading: Reading, observed: Observed) -> Sign:
    graces = running_graces(reading, observed.grace)
    late = sum(grace.due + LATE < reading.read_at for grace in graces)
    if late:
        return Sign("Late checks", Wellness.BAD, f"{late:,} graces ended unlooked at")
    return Sign("Late checks", Wellness.FINE, "none")


def _unsent(reading: Reading) -> Sign:
    unsent = sum(
        bool(f.outbox) and (f.claimed_until is None or f.claimed_until + LATE < reading.read_at)
        for f in reading.findings
    )
    if unsent:
        return Sign("Unsent alerts", Wellness.BAD, f"{unsent:,}; the next sweep sends them")
    return Sign("Unsent alerts", Wellness.FINE, "none")


def _configuration(reading: Reading) -> Sign:
    if reading.refused:
        first, *others = reading.refused
        more = f" and {len(others)} more" if others else ""
        return Sign("Exemptions", Wellness.BAD, f"document refused: {first}{more}")
    return Sign("Exemptions", Wellness.FINE, "document in force")


def _unreadable(reading: Reading) -> tuple[Sign, ...]:
    if not reading.unreadable:
        return ()
    first, *others = reading.unreadable
    more = f" and {len(others)} more" if others else ""
    return (Sign("Unreadable", Wellness.BAD, f"findings this version cannot read: {first}{more}"),)
