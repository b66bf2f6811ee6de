"""The oracle: it knows the truth, shares no code with the product, and holds it to its promises.

What can be promised where IAM lags. AWS names no bound: mostly seconds, minutes have been seen. A
product that knows an event, and looks within the seconds for which an event goes before what IAM
shows (`facts.BELIEVED`), must not take the older answer for the newer state. Beyond them nobody can
tell an old answer from a new state of which no event came, and the promises hold as IAM shows it:

- No miss: whoever two whole sweeps show as a stray, a grace apart, and nothing shows otherwise in
  between, is told of; the event's own deadline falls where a look showed what was before it.
- No false alarm: the deciding look showed the user in no group, and was made seconds before.
- Grace: counts from events, which do not lag, and the deciding look was made after its end.
- One alert for each episode, closed for the right reason: an answer from before the episode ends
  it, and the next one begins another.
- Identity: a look by name shows who bore it; the id is what counts.
"""

from __future__ import annotations

from tests.simulation.journal import Journal
from tests.simulation.oracle import (
    channels,
    closure,
    false_alarms,
    floods,
    grace,
    identity,
    losses,
    misses,
    once,
    watched,
)
from tests.simulation.oracle.facts import Facts, Violation
from tests.simulation.plan import Plan
from tests.simulation.truth import Truth

_JUDGES = (misses, false_alarms, grace, once, floods, closure, identity, losses, watched, channels)


def judged(plan: Plan, truth: Truth, journal: Journal) -> list[Violation]:
    """Every promise that the history shows broken, in order of time."""
    if journal.endless:
        return [Violation(7, journal.ended_at, f"no end after {journal.steps} calls")]
    facts = Facts(plan, truth, journal)
    found = [violation for judge in _JUDGES for violation in judge.judge(facts)]
    return sorted(found, key=lambda violation: violation.at)
