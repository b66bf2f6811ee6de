"""A history in words: what happened in the world, what the product did, what was broken."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.kernel import SECOND, instant
from tests.simulation.plan import Plan
from tests.simulation.play import Played

_WIDEST = 200


def story(played: Played) -> str:
    """The whole history, a line for each thing that happened."""
    return "\n".join(_lines(played))


def _lines(played: Played) -> Iterator[str]:
    yield from _settings(played.plan)
    yield "time in s    what was done; #n is an invocation, >>> an alert"
    broken = sorted(played.violations, key=lambda violation: violation.at)
    for at, line in played.journal.lines:
        while broken and broken[0].at < at:
            yield _line(broken[0].at, f"!!! {broken.pop(0)}")
        yield _line(at, line)
    for violation in broken:
        yield _line(violation.at, f"!!! {violation}")


def _line(at: int, text: str) -> str:
    return f"{at / SECOND:12.3f} {text}"[:_WIDEST]


def _settings(plan: Plan) -> Iterator[str]:
    yield (
        f"grace {plan.grace_seconds} s, a sweep every {plan.sweep_every // SECOND} s,"
        f" IAM lags up to {plan.iam_lag} ms; time 0 is {instant(0).isoformat()}"
    )
    for stretch in plan.stretches:
        yield (
            f"from {stretch.start / SECOND:.3f} to {stretch.end / SECOND:.3f}"
            f" {stretch.share:.0%} of {stretch.service} calls: {stretch.fault}"
        )
    yield f"nothing fails from {plan.calm_at / SECOND:.3f} on"
