"""The oracle: it knows the truth, shares no code with the product, and holds it to its promises."""

from __future__ import annotations

from tests.simulation.journal import Journal
from tests.simulation.oracle import (
    closure,
    false_alarms,
    grace,
    identity,
    losses,
    misses,
    once,
)
from tests.simulation.oracle.facts import Facts, Violation
from tests.simulation.plan import Plan
from tests.simulation.truth import Truth

_JUDGES = (misses, false_alarms, grace, once, closure, identity, losses)


def judged(plan: Plan, truth: Truth, journal: Journal) -> list[Violation]:
    """Every promise that the history shows broken, in order of time."""
    facts = Facts(plan, truth, journal)
    found = [violation for judge in _JUDGES for violation in judge.judge(facts)]
    return sorted(found, key=lambda violation: violation.at)
