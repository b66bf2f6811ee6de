"""A rate of calls, kept on a clock of the test's own."""

from __future__ import annotations

import pytest

from straywatch.aws.pacing import TokenBucket
from tests.fakes import RestingClock


def test_calls_keep_to_the_rate() -> None:
    """Ten calls at two a second take four and a half seconds: the first need not wait."""
    clock = RestingClock()
    bucket = TokenBucket(2, 1, clock, clock.sleep)
    for _ in range(10):
        bucket.take()
    assert clock.now == pytest.approx(104.5)


def test_slow_calls_need_not_wait() -> None:
    """Time that passed by itself counts, but a rest saves up no more than the burst."""
    clock = RestingClock()
    bucket = TokenBucket(2, 2, clock, clock.sleep)
    clock.now += 60
    bucket.take()
    bucket.take()
    assert not clock.slept
    bucket.take()
    assert clock.slept == [pytest.approx(0.5)]
