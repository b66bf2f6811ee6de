"""What becomes of an event or a check that comes to no evaluation, as the log names it."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """The end of a path on which nobody was evaluated."""

    IGNORED = "ignored"
    MERGED = "merged"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    NOTED = "noted"
    TOLD = "told"
    SWEPT = "swept"
    UNKNOWN = "unknown"
    """The account could not be read: what its users are, nobody can tell."""
    DUE = "due"
    """Nothing is in the way of a look."""
