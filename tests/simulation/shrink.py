"""Cuts a failing history down to what it takes to fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tests.simulation.plan import Act, Plan

T = TypeVar("T")
_PARTS = ("acts", "stretches", "strikes", "extra_sweeps", "redrives")
_TROUBLES = (
    "duplicate_rate", "iam_lag", "hurried_sweeps", "slow_pages", "slow_publish", "slow_reads",
    "upgrade_at", "channels", "admins",
    "reminder_hours", "escalate_hours", "digest_above", "crowd", "crowd_strays",
)  # fmt: skip
_SIZES = ("crowd", "crowd_strays", "iam_lag", "slow_pages", "slow_publish")


class Shrinker:
    """Tries ever smaller plans, as long as `fails` says that they still fail."""

    def __init__(self, fails: Callable[[Plan], bool], most_tries: int = 600) -> None:
        self._fails = fails
        self._left = most_tries

    def shrink(self, plan: Plan) -> Plan:
        """The smallest failing plan found; shrinking it again would not make it smaller."""
        while True:
            smaller = plan
            for part in _PARTS:
                smaller = self._shorten(smaller, part)
            smaller = self._calm(smaller)
            smaller = self._simplify_acts(smaller)
            if smaller == plan:
                return plan
            plan = smaller

    def _shorten(self, plan: Plan, part: str) -> Plan:
        """Leave out ever smaller runs of a part's entries."""
        size = len(getattr(plan, part) or ())
        while size:
            for candidate in _without_runs(getattr(plan, part), size):
                trial = self._try(plan, _with(plan, part, candidate))
                if trial is not plan:
                    plan = trial
                    break
            else:
                size //= 2
            size = min(size, len(getattr(plan, part)))
        return plan

    def _calm(self, plan: Plan) -> Plan:
        for name in _TROUBLES:
            if getattr(plan, name):
                plan = self._try(plan, _with(plan, name, 0))
        for name in _SIZES:
            while half := getattr(plan, name) // 2:
                smaller = self._try(plan, _with(plan, name, half))
                if smaller is plan:
                    break
                plan = smaller
        return plan

    def _simplify_acts(self, plan: Plan) -> Plan:
        for number in range(len(plan.acts)):
            for simpler in _simpler(plan.acts[number]):
                acts = (*plan.acts[:number], simpler, *plan.acts[number + 1 :])
                plan = self._try(plan, replace(plan, acts=acts))
        return plan

    def _try(self, plan: Plan, smaller: Plan) -> Plan:
        if self._left <= 0 or smaller == plan:
            return plan
        self._left -= 1
        return smaller if self._fails(smaller) else plan


def _with(plan: Plan, name: str, value: Any) -> Plan:
    changes: dict[str, Any] = {name: value}
    return replace(plan, **changes)


def _without_runs(entries: Sequence[T], size: int) -> Iterator[tuple[T, ...]]:
    for start in range(0, len(entries), size):
        yield (*entries[:start], *entries[start + size :])


def _simpler(act: Act) -> Iterator[Act]:
    """The act with fewer deliveries of its event, or with a prompt one."""
    for number in range(len(act.deliveries)):
        left_out = (*act.deliveries[:number], *act.deliveries[number + 1 :])
        yield replace(act, deliveries=left_out)
    if act.deliveries and act.deliveries != (1000,):
        yield replace(act, deliveries=(1000,))
