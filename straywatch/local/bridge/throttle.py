"""Throttling by token buckets: one for each API and account, as AWS has them.

AWS tells neither rates nor sizes of IAM's; tests order what they need. Without an order there is no
limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Limit:
    """Actions that match `actions` (`iam:*`) are called `rate` times a second, `burst` at once."""

    actions: str
    rate: float
    burst: int


@dataclass
class Throttle:
    """Buckets that fill with time; `clock` tells seconds."""

    clock: Callable[[], float] = time.monotonic
    limits: list[Limit] = field(default_factory=list)
    _buckets: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def lets_pass(self, action: str, account_id: str) -> bool:
        """Take a token for one call; False if there is none."""
        for limit in self.limits:
            if fnmatchcase(action, limit.actions):
                return self._take(limit, (action, account_id))
        return True

    def reset(self) -> None:
        """Limit nothing any more."""
        self.limits.clear()
        self._buckets.clear()

    def _take(self, limit: Limit, key: tuple[str, str]) -> bool:
        now = self.clock()
        held, at = self._buckets.get(key, (float(limit.burst), now))
        held = min(float(limit.burst), held + (now - at) * limit.rate)
        enough = held >= 1
        self._buckets[key] = (held - 1 if enough else held, now)
        return enough
