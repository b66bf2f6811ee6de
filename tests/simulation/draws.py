"""Chance that depends on what it is asked about, not on how often it was asked before.

A generator that is drawn from in order would deal other luck to everything after the first step
that shrinking takes out of a history. Draws are keyed instead: the same call at the same time
meets the same luck, whatever else happens.
"""

from __future__ import annotations

from hashlib import blake2b

_SIZE = 4
_RANGE = float(1 << (8 * _SIZE))


class Draws:
    """Up to 16 numbers that follow from the key."""

    def __init__(self, *key: object) -> None:
        self._bytes = blake2b(repr(key).encode()).digest()
        self._at = 0

    def share(self) -> float:
        """A number from 0 up to, not including, 1."""
        self._at += _SIZE
        return int.from_bytes(self._bytes[self._at - _SIZE : self._at]) / _RANGE

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.share() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.share() * (high - low + 1))
