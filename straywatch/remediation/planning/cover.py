"""The smallest set cover of a small instance, by the HiGHS solver."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import highspy

NODE_LIMIT = 500
"""Branch-and-bound nodes: a limit that, unlike seconds, is the same on every machine."""

EFFORT = 1_000_000
"""Nodes times entries: a node of a large instance takes longer."""

HALF = 0.5
"""The solver's zeros and ones are rounded."""

ENTRY_LIMIT = 200_000
"""Cells times choices above which the instance is left to the greedy answer."""

READ_LIMIT = 5 * ENTRY_LIMIT
"""As above, before those cells are left out that are covered whenever another one is."""


def fewest(cells: Sequence[frozenset[int]], known: Sequence[int]) -> tuple[list[int], bool]:
    """Choose the fewest numbers such that each cell holds one; at worst those `known` to do it.

    Tells, too, whether fewer are proved impossible.

    Deterministic: one thread, a fixed seed, a limit in nodes.
    """
    if sum(len(cell) for cell in cells) > READ_LIMIT:
        return list(known), False
    needed = _hardest(cells)
    if sum(len(cell) for cell in needed) > ENTRY_LIMIT:
        return list(known), False
    solution, proved = _solve(needed)
    if all(cell & solution for cell in needed) and len(solution) <= len(known):
        return sorted(solution), proved
    return list(known), False


def _hardest(cells: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Leave out cells that are covered whenever another one is."""
    kept: list[frozenset[int]] = []
    holding: dict[int, list[int]] = {}
    for cell in sorted(set(cells), key=lambda c: (len(c), sorted(c))):
        near = {index for choice in cell for index in holding.get(choice, ())}
        if any(kept[index] <= cell for index in near):
            continue
        for choice in cell:
            holding.setdefault(choice, []).append(len(kept))
        kept.append(cell)
    return kept


def _solve(cells: list[frozenset[int]]) -> tuple[set[int], bool]:
    with _silenced_stdout():
        solver = highspy.Highs()  # type: ignore[no-untyped-call] # it has no annotations
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 0,
        "mip_max_nodes": min(NODE_LIMIT, EFFORT // sum(len(cell) for cell in cells)),
    }.items():
        solver.setOptionValue(option, value)
    choices = sorted({choice for cell in cells for choice in cell})
    taken = {choice: solver.addBinary(obj=1) for choice in choices}
    for cell in cells:
        solver.addConstr(sum(taken[choice] for choice in sorted(cell)) >= 1)
    solver.minimize()
    values = solver.getSolution().col_value
    proved = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    chosen = zip(choices, values, strict=False)  # no values at all if no solution was found
    return {choice for choice, value in chosen if value > HALF}, proved


@contextmanager
def _silenced_stdout() -> Iterator[None]:
    """Keep the solver's banner, which no option turns off, out of what the command prints."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
