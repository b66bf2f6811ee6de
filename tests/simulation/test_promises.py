"""The promises hold in random histories of a hostile world, and breaking the code is noticed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.domain.events import CHANGES
from tests.simulation.campaign import tally
from tests.simulation.copies import Copy, copied
from tests.simulation.generate import generate
from tests.simulation.mutants import MUTANTS, Mutant, mutated
from tests.simulation.play import play
from tests.simulation.records import EVENT_NAMES

CHUNK = 20
MOST_HISTORIES = 120
"""How many histories a mutant may survive: `make simulate` plays thousands."""
BEGIN_AT = {
    "skips_the_conditional_write": 19,
    "takes_a_failed_page_for_an_empty_one": 82,
    "takes_an_error_for_a_deletion": 61,
    "closes_nothing_that_is_gone": 40,
}
"""Where those that live long were caught first: what came before took half of the tests' time."""


@pytest.mark.parametrize("first", range(0, 200, CHUNK))
def test_every_promise_holds(first: int) -> None:
    """Lost, late and repeated events, refusals, kills, renames: promises 1 to 7 hold."""
    broken = {seed: tally(seed).broken for seed in range(first, first + CHUNK)}
    assert {seed: told for seed, told in broken.items() if told} == {}


def test_who_takes_a_name_within_the_second_gets_no_cause_of_its_former_bearer() -> None:
    """Created, renamed, and another created under the name: history 424415 told of the first."""
    assert tally(424415).broken == {}


def test_histories_hold_every_call_that_is_listened_for() -> None:
    """A call that no history makes would keep every promise."""
    drawn = {act.do for seed in range(100) for act in generate(seed).acts}
    assert {EVENT_NAMES[do] for do in drawn if do in EVENT_NAMES} == CHANGES.keys()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_breaking_the_code_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """A copy of the product with one thing broken breaks one of the promises that it should."""
    wrong = mutated(mutant, tmp_path)
    first = BEGIN_AT.get(mutant.name, 0)
    for seed in range(first, first + MOST_HISTORIES):
        broken = {v.promise for v in play(generate(seed), wrong).violations}
        if broken & mutant.promises:
            return
    pytest.fail(f"no promise of {sorted(mutant.promises)} broke in {MOST_HISTORIES} histories")


@pytest.mark.parametrize(
    "change",
    [
        lambda copy: copy.breaks("Lifecycle.close_one_eye", lambda there: there),
        lambda copy: copy.breaks("nobody.defines_this", lambda there: there),
        lambda copy: copy.fields("Lifecycle", "patience"),
    ],
)
def test_a_mutant_of_what_is_gone_is_an_error(
    change: Callable[[Copy], None], tmp_path: Path
) -> None:
    """Else it would be the product itself, and its survival would prove nothing."""
    copy = copied(f"copy_of_{tmp_path.name}", tmp_path)
    with pytest.raises(LookupError):
        change(copy)
