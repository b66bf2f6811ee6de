"""Many histories, over all cores, and what they come to."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from secrets import randbelow

from tests.simulation.generate import generate
from tests.simulation.play import play
from tests.simulation.shrink import Shrinker
from tests.simulation.story import story
from tests.simulation.witness import Cell, witness

_HANDFUL = 10
"""Histories that a process plays before it reports, and tidies up."""


@dataclass(slots=True)
class Tally:
    """What one or many histories came to; `broken` lists the violations of each failing seed."""

    histories: int = 0
    steps: int = 0
    alerts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    broken: dict[int, list[str]] = field(default_factory=dict)
    promises: Counter[int] = field(default_factory=Counter)
    situations: Counter[str] = field(default_factory=Counter)
    """How many histories hold each situation."""
    decisions: Counter[Cell] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Count the other one in."""
        self.histories += other.histories
        self.steps += other.steps
        self.alerts += other.alerts
        self.faults += other.faults
        self.promises += other.promises
        self.situations += other.situations
        self.decisions += other.decisions
        self.broken |= other.broken


def a_seed() -> int:
    """Any seed that a campaign may begin at."""
    return randbelow(10**9)


def tally(seed: int) -> Tally:
    """Play the history of one seed."""
    watched = witness()
    watched.drain()
    played = play(generate(seed), watched.product)
    broken = {seed: [str(v) for v in played.violations]} if played.violations else {}
    return Tally(
        histories=1,
        steps=played.journal.steps,
        alerts=Counter(message.type for message in played.journal.published),
        faults=played.journal.faults,
        broken=broken,
        promises=Counter({v.promise for v in played.violations}),
        situations=Counter(set(played.journal.situations)),
        decisions=watched.drain(),
    )


def campaign(seeds: range, jobs: int) -> Iterator[Tally]:
    """Play the histories of all seeds; yield what each handful comes to as it comes in."""
    witness()  # loaded before the processes part
    handfuls = (seeds[start : start + _HANDFUL] for start in range(0, len(seeds), _HANDFUL))
    gc.collect()
    gc.freeze()
    with get_context("fork").Pool(jobs, gc.disable) as pool:
        yield from pool.imap_unordered(_of_all, handfuls)


def _of_all(seeds: range) -> Tally:
    """One history is over before the next begins: its rubbish can wait for a few more."""
    found = Tally()
    for seed in seeds:
        found.add(tally(seed))
    gc.collect()
    return found


def shrunk_story(seed: int) -> str:
    """The seed's history in words, cut down to what it takes to break the same promise."""
    code = witness().product
    played = play(generate(seed), code)
    if not played.violations:
        return story(played)
    promise = played.violations[0].promise
    small = Shrinker(
        lambda plan: any(v.promise == promise for v in play(plan, code).violations)
    ).shrink(played.plan)
    return story(play(small, code))
