"""Which cells of a table must be covered for their own sake: edge dominance.

A cell is a row and a column that the row needs. Whatever group covers the cell (u, p) can be
widened to cover (v, q), too, where v may hold all that u may, and all who may hold p may hold q.
Then (v, q) need not be looked at (Ene et al., "Fast exact and heuristic methods for role
minimization problems", SACMAT 2008, algorithm 1). Of cells that dominate one another the first
stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def bits(mask: int) -> Iterator[int]:
    """The positions of the ones in `mask`, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def common(members: int, sets: Sequence[int], everything: int) -> int:
    """What all the sets of `members` hold; `everything` if there is no member."""
    held = everything
    for member in bits(members):
        held &= sets[member]
    return held


def transposed(columns: Sequence[int], rows: int) -> list[int]:
    """For each of `rows` rows the columns that hold it."""
    turned = [0] * rows
    for column, holders in enumerate(columns):
        for row in bits(holders):
            turned[row] |= 1 << column
    return turned


def essential(need: Sequence[int], allow: Sequence[int], rows: int) -> list[int]:
    """For each column those of its needing rows whose cells no other cell dominates.

    `need` and `allow` hold, for each column, the rows that need it and those that may hold it.
    """
    may = transposed(allow, rows)
    every_row, every_column = (1 << rows) - 1, (1 << len(need)) - 1
    wider_rows = _wider([common(m, allow, every_row) for m in may])
    wider_columns = _wider([common(a, may, every_column) for a in allow])
    dominated = [0] * len(need)
    for column, holders in enumerate(need):
        beyond = 0
        for row in bits(holders):
            beyond |= wider_rows[row]
        dominated[column] |= beyond
        for other in bits(wider_columns[column]):
            dominated[other] |= beyond | holders
    return [holders & ~gone for holders, gone in zip(need, dominated, strict=True)]


def _wider(at_least: Sequence[int]) -> list[int]:
    """Those that hold more than each, or the same and come later: an order without circles."""
    return [
        _without_earlier_equals(number, others, at_least) for number, others in enumerate(at_least)
    ]


def _without_earlier_equals(number: int, others: int, at_least: Sequence[int]) -> int:
    for other in bits(others & ((1 << number + 1) - 1)):
        if at_least[other] >> number & 1:
            others &= ~(1 << other)
    return others
