"""A pause: for some hours findings open and close as ever, and people are told when it is over.

It stands in the configuration document, which whoever looks at a user has read anyway, and whose
every change EventBridge tells of past all that is ours: nobody pauses alerts in secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.times import parse_time

LONGEST = timedelta(hours=24)
"""Whoever needs longer says so again, and is heard again."""
KEYS = ("begins", "until", "reason", "by")


@dataclass(frozen=True, slots=True)
class Pause:
    """When alerts are held, why, and who said so."""

    begins: datetime
    until: datetime
    reason: str
    by: str

    def held_until(self, now: datetime) -> datetime:
        """When what is to be told now may be told: at once, unless the pause is in force."""
        return self.until if self.is_in_force(now) else now

    def is_in_force(self, now: datetime) -> bool:
        """Whether alerts are held now."""
        return self.begins <= now < self.until


def pause_of(entry: Mapping[str, str]) -> Pause:
    """The pause in a document in which `faults_of` finds nothing. Raises KeyError, ValueError."""
    begins, until = parse_time(entry["begins"]), parse_time(entry["until"])
    return Pause(begins, until, entry["reason"], entry["by"])


def faults_of(entry: object) -> Iterator[str]:
    """What is wrong with a document's pause."""
    if not isinstance(entry, Mapping) or set(entry) != set(KEYS):
        yield f"pause: must be an object of {', '.join(KEYS)}"
        return
    if not all(isinstance(value, str) and value.strip() for value in entry.values()):
        yield "pause: all in it must be text, and not empty"
        return
    try:
        lasts = parse_time(entry["until"]) - parse_time(entry["begins"])
    except (ValueError, OverflowError):
        yield "pause: begins and until must be times with their offset"
        return
    if not timedelta(0) < lasts <= LONGEST:
        yield "pause: must last for 24 hours at most, and end after it begins"
