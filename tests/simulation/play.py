"""Plays one history and has it judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.simulation.journal import Journal
from tests.simulation.oracle import judged
from tests.simulation.oracle.facts import Violation
from tests.simulation.plan import Fault, Plan
from tests.simulation.product import Product
from tests.simulation.truth import Truth
from tests.simulation.weather import Weather
from tests.simulation.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """A history that was played. `plan` has all that struck written out: it plays the same."""

    plan: Plan
    truth: Truth
    journal: Journal
    calls: int
    violations: tuple[Violation, ...]


def play(plan: Plan, product: Product, kill_at: tuple[int, Fault] | None = None) -> Played:
    """Play the plan against the product; `kill_at` kills it at one call, counted from 0."""
    weather = Weather(plan, kill_at)
    world = World(plan, product, weather)
    world.play()
    violations = tuple(judged(plan, world.truth, world.journal))
    if plan.strikes is None:
        plan = replace(plan, strikes=tuple(weather.struck))
    return Played(plan, world.truth, world.journal, weather.calls, violations)
