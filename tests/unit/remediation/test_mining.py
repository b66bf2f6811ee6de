"""Role mining: covers that hold, bounds that are true, and quotas."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from straywatch.remediation.planning.dominance import bits
from straywatch.remediation.planning.mining import Row, mine, shared_only

ROWS = st.lists(st.integers(1, 63), min_size=1, max_size=7, unique=True).map(
    lambda masks: tuple(Row(mask, mask) for mask in masks)
)


def fewest_by_trying(rows: tuple[Row, ...]) -> int:
    """The optimum for a handful of rows, by trying every set of groups."""
    groups = {g for row in rows for g in range(1, 64) if not g & ~row.allowed}
    # only maximal groups for their members matter: the closure of some set of rows
    closed = set()
    for number in range(1, len(rows) + 1):
        for chosen in combinations(rows, number):
            mask = 63
            for row in chosen:
                mask &= row.allowed
            closed.add(mask)
    candidates = sorted(groups & closed)
    for count in range(1, len(rows) + 1):
        for chosen_groups in combinations(candidates, count):
            if all(covered(row, chosen_groups) for row in rows):
                return count
    raise AssertionError("each row is a group by itself")


def covered(row: Row, groups: tuple[int, ...]) -> bool:
    """Whether groups within what is allowed give all that is needed."""
    given_by = 0
    for group in groups:
        given_by |= group if not group & ~row.allowed else 0
    return not row.needs & ~given_by


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_covers_hold_and_are_as_small_as_they_can_be(rows: tuple[Row, ...]) -> None:
    """On small tables the cover is the optimum, found by trying all; the bound is below it."""
    cover = mine(rows)
    best = fewest_by_trying(rows)
    assert all(covered(row, cover.groups) for row in rows)
    assert cover.bound == best == len(cover.groups)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.integers(1, 3))
def test_no_group_is_larger_than_quotas_allow(rows: tuple[Row, ...], most: int) -> None:
    """Whatever the limit, each row is covered by groups within it."""
    cover = mine(rows, lambda group: group.bit_count() <= most)
    assert all(covered(row, cover.groups) for row in rows)
    assert all(len(list(bits(group))) <= most for group in cover.groups)


def test_what_too_few_share_is_left_out() -> None:
    """Permissions that a group with two users gives remain; who waits for a group keeps all."""
    rows = (
        Row(0b011, 0b011),
        Row(0b001, 0b001),
        Row(0b100, 0b100),
        Row(0b100, 0b100, 1, waiting=False),
    )
    assert [row.needs for row in shared_only(rows[:3], 2)] == [0b001, 0b001, 0b100]
    assert [row.needs for row in shared_only((rows[0], rows[3]), 2)] == [0b011, 0]
