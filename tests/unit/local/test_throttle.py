"""Token buckets, as AWS throttles by."""

from __future__ import annotations

from straywatch.local.bridge.throttle import Limit, Throttle
from tests.fakes import RestingClock

ACCOUNT, OTHER = "123456789012", "210987654321"


def test_a_burst_passes_and_then_what_the_rate_lets() -> None:
    """Three at once, then one for each half second, and never more than the bucket holds."""
    clock = RestingClock()
    throttle = Throttle(clock, [Limit("iam:*", rate=2, burst=3)])

    def passed(calls: int) -> int:
        return sum(throttle.lets_pass("iam:GetUser", ACCOUNT) for _ in range(calls))

    assert passed(5) == 3
    clock.sleep(0.5)
    assert passed(5) == 1
    clock.sleep(3600)
    assert passed(5) == 3


def test_each_api_and_account_has_a_bucket_of_its_own() -> None:
    """An account's reads do not slow another's, nor its own other calls."""
    throttle = Throttle(RestingClock(), [Limit("iam:*", rate=1, burst=1)])

    assert throttle.lets_pass("iam:GetUser", ACCOUNT)
    assert not throttle.lets_pass("iam:GetUser", ACCOUNT)
    assert throttle.lets_pass("iam:GetUser", OTHER)
    assert throttle.lets_pass("iam:ListUsers", ACCOUNT)
    assert throttle.lets_pass("sqs:SendMessage", ACCOUNT)


def test_without_a_limit_all_pass() -> None:
    """As before, and again after a reset."""
    throttle = Throttle(RestingClock(), [Limit("*", rate=0, burst=0)])
    assert not throttle.lets_pass("iam:GetUser", ACCOUNT)
    throttle.reset()
    assert throttle.lets_pass("iam:GetUser", ACCOUNT)
