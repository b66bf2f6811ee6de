"""Keeps to a service's rate of calls: a token bucket on a clock that is handed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class TokenBucket:
    """Lets `rate` calls a second pass, and up to `burst` at once after a rest."""

    rate: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _tokens: float = field(init=False)
    _filled_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._tokens, self._filled_at = float(self.burst), self.clock()

    def take(self) -> None:
        """Wait for as long as it takes until one more call may be made."""
        self._fill()
        while self._tokens < 1:
            self.sleep((1 - self._tokens) / self.rate)
            self._fill()
        self._tokens -= 1

    def _fill(self) -> None:
        now = self.clock()
        gained = max(0.0, now - self._filled_at) * self.rate
        # a shortfall of a billionth is the clock's rounding, and would sleep for no time at all
        self._tokens = min(float(self.burst), self._tokens + gained + 1e-9)
        self._filled_at = now
