"""Whether the monitor itself is well, as far as its tables and queues tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum

from chalicelib.text import plain
from chalicelib.times import spoken
from straywatch.observing.deployment import Observed
from straywatch.observing.figures import GAP
from straywatch.observing.graces import running_graces
from straywatch.observing.moments import moment
from straywatch.observing.records import Reading, Unread

LATE = timedelta(minutes=2)
"""So long after a grace, or after an alert was due to be sent, it is late."""


class Wellness(IntEnum):
    """How well something is; a greater one is worse."""

    FINE = 0
    WATCH = 1
    BAD = 2


@dataclass(frozen=True, slots=True)
class Sign:
    """One thing looked at, how well it is, and what it says.

    `blinds`: for as long as it is so, strays may go unnoticed.
    """

    name: str
    level: Wellness
    text: str
    blinds: bool = False


def health(reading: Reading, observed: Observed) -> tuple[Sign, ...]:
    """Everything that is looked at, in a steady order."""
    return (
        _sweeps(reading, observed),
        _missed(reading),
        *_queues(reading),
        _late(reading, observed),
        _unsent(reading),
        _configuration(reading),
        *_paused(reading),
        *_unreadable(reading),
    )


def worst(signs: tuple[Sign, ...]) -> Wellness:
    """The level of the worst of them."""
    return max((sign.level for sign in signs), default=Wellness.FINE)


def ailment(signs: tuple[Sign, ...]) -> str:
    """What to say of a monitor that is not well; empty for one that is."""
    if worst(signs) < Wellness.BAD:
        return ""
    if any(sign.blinds for sign in signs):
        return "The monitor may be blind"
    return "The monitor is not well"


def complaints(signs: tuple[Sign, ...]) -> str:
    """All that is bad, in one line."""
    return " · ".join(f"{s.name}: {s.text}" for s in signs if s.level is Wellness.BAD)


def _bad_if(number: int) -> Wellness:
    return Wellness.BAD if number else Wellness.FINE


def _sweeps(reading: Reading, observed: Observed) -> Sign:
    every = spoken(observed.sweep_every.total_seconds())
    last = reading.sweeps[-1].started_at if reading.sweeps else None
    age = reading.read_at - (last or observed.created_at)
    if age > GAP * observed.sweep_every:
        ago = spoken(age.total_seconds())
        told = f"{ago} ago" if last else f"none since it was deployed, {ago} ago"
        return Sign("Last sweep", Wellness.BAD, f"{told}; one is due every {every}", blinds=True)
    if last is None:
        due = observed.created_at + observed.sweep_every
        by = moment(due, reading.read_at)
        return Sign("Last sweep", Wellness.FINE, f"none yet; the first is due by {by}")
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
        Sign("Dead letters", _bad_if(queues.dead), dead, blinds=queues.dead > 0),
        Sign("Checks waiting", Wellness.FINE, f"{queues.checks:,}" if queues.checks else "none"),
    )


def _late(reading: Reading, observed: Observed) -> Sign:
    graces = running_graces(reading, observed.grace)
    late = sum(grace.due + LATE < reading.read_at for grace in graces)
    if late:
        text = f"{late:,} graces ended unlooked at"
        return Sign("Late checks", Wellness.BAD, text, blinds=True)
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


def _paused(reading: Reading) -> tuple[Sign, ...]:
    pause, now = reading.pause, reading.read_at
    if pause is None or not pause.is_in_force(now):
        return ()
    held = sum(bool(finding.outbox) for finding in reading.findings)
    told = f"paused until {moment(pause.until, now)} by {pause.by}: {pause.reason}; {held:,} held"
    return (Sign("Alerts", Wellness.WATCH, plain(told)),)


def _unreadable(reading: Reading) -> tuple[Sign, ...]:
    if not reading.unreadable:
        return ()
    first, *others = reading.unreadable
    more = f" and {len(others)} more" if others else ""
    return (Sign("Unreadable", Wellness.BAD, f"findings this version cannot read: {first}{more}"),)
