"""What the doctor says: one line for each thing looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check ended."""

    PASS = "PASS"  # nosec B105  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True)
class Line:
    """One check: what was looked at, what was seen, and what to do about it.

    `mend` is a command and nothing else, whole as it stands: pasted, it mends. What no command can
    do is said in `advice`. `failed_to_look` tells a check that an error prevented from one that had
    nothing to go by.
    """

    level: Level
    check: str
    seen: str
    mend: str = ""
    advice: str = ""
    failed_to_look: bool = False


def passed(check: str, seen: str) -> Line:
    """All is well."""
    return Line(Level.PASS, check, seen)


def warned(check: str, seen: str, mend: str = "", *, advice: str = "") -> Line:
    """It works, but not as it should, or not for long."""
    return Line(Level.WARN, check, seen, mend, advice)


def failed(check: str, seen: str, mend: str = "", *, advice: str = "") -> Line:
    """The monitor is deaf, blind, forgetful or mute in this respect."""
    return Line(Level.FAIL, check, seen, mend, advice)


def unread(check: str, why: str) -> Line:
    """AWS did not answer: that is never a pass."""
    advice = "run the doctor with credentials that may read this, or fix what the error names"
    return Line(Level.NOT_CHECKED, check, why, advice=advice, failed_to_look=True)


def untold(check: str, why: str) -> Line:
    """There is nothing to go by yet."""
    return Line(Level.NOT_CHECKED, check, why)
