"""Cells that others bring along, and the cliques of those that remain."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from straywatch.remediation.planning.cliques import cover_by_cliques
from straywatch.remediation.planning.dominance import bits, common, essential, transposed

COLUMNS = st.lists(st.integers(1, 127), min_size=1, max_size=7)
ROWS = 7


def cells(columns: list[int]) -> set[tuple[int, int]]:
    """The (row, column) that `columns` hold."""
    return {(row, column) for column, held in enumerate(columns) for row in bits(held)}


def covered(groups: tuple[int, ...], allow: list[int]) -> set[tuple[int, int]]:
    """The cells that groups cover once each is as wide as its holders allow."""
    may = transposed(allow, ROWS)
    found = set()
    for group in groups:
        holders = common(group, allow, (1 << ROWS) - 1)
        wide = common(holders, may, (1 << len(allow)) - 1)
        found |= {(row, column) for row in bits(holders) for column in bits(wide)}
    return found


@settings(max_examples=200, deadline=None)
@given(COLUMNS, st.randoms(use_true_random=False))
def test_whoever_covers_the_cells_that_matter_covers_all(
    allow: list[int], chance: random.Random
) -> None:
    """Groups for the essential cells alone, made as wide as they may be, leave nothing uncovered.

    What is needed may be any part of what is allowed.
    """
    need = [held & chance.randrange(128) for held in allow]
    few = essential(need, allow, ROWS)
    found = cover_by_cliques(few, allow, ROWS)
    assert cells(few) <= cells(need) <= covered(found.groups, allow) <= cells(allow)
    assert found.bound <= len(found.groups)


def test_of_equal_cells_one_stays() -> None:
    """Two rows that hold the same two permissions are one cell to look at."""
    assert sum(held.bit_count() for held in essential([0b11, 0b11], [0b11, 0b11], 2)) == 1


@settings(max_examples=100, deadline=None)
@given(COLUMNS)
def test_a_large_piece_is_left_to_the_search(allow: list[int]) -> None:
    """Cells of pieces that are too large are in no group; their share of the bound holds."""
    whole = cover_by_cliques(allow, allow, ROWS)
    small = cover_by_cliques(allow, allow, ROWS, largest=1)
    assert covered(small.groups, allow) <= covered(whole.groups, allow) == cells(allow)
    assert small.bound <= whole.bound <= len(whole.groups)
    assert cover_by_cliques(allow, allow, ROWS, largest=0).groups == ()
