"""The fewest groups for the cells that matter, exactly where they fall into small pieces.

Two cells are neighbours if one group may cover both. Cells that are neighbours of one another can
all be in one group, so that the fewest groups are the fewest cliques of this graph. If all
neighbours of a are neighbours of b, whatever clique takes a can take b: b is left out, and again,
until nothing changes. What remains falls into pieces. A lone cell needs a group of its own; of a
larger piece all cliques that cannot be widened are listed, and the solver picks among them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from straywatch.remediation.planning.cover import fewest
from straywatch.remediation.planning.dominance import bits, transposed

CLIQUE_LIMIT = 5_000
"""Cliques of one piece up to which all are listed: about a second."""

PIECE_LIMIT = 400
"""Cells of one piece up to which it is covered here."""

CELL_LIMIT = 12_000
"""Cells of which the neighbours are kept, as bits: 18 MB."""

EFFORT = 1_500
"""Cells that greedy covers of one piece, each in another order, may go through together."""


@dataclass(frozen=True)
class Cliques:
    """Groups as sets of columns, and the number that no cover of all the cells goes below.

    Cells in pieces that are too large are in none of the groups.
    """

    groups: tuple[int, ...] = ()
    bound: int = 0


def cover_by_cliques(
    need: Sequence[int], allow: Sequence[int], rows: int, largest: int = PIECE_LIMIT
) -> Cliques:
    """Cover the cells of `need` by few groups, save for pieces of more than `largest` cells.

    `need` and `allow` hold, for each column, the rows that need it and those that may hold it.
    """
    if sum(holders.bit_count() for holders in need) > CELL_LIMIT:
        return Cliques()
    graph = _Graph(need, allow, rows)
    graph.reduce()
    found: list[int] = []
    bound = 0
    for piece in graph.pieces():
        least = graph.apart(piece)
        if piece.bit_count() <= largest:
            cliques, least = graph.cover(piece, least)
            found += cliques
        bound += least
    return Cliques(tuple(graph.columns(c) for c in graph.widened(found)), bound)


class _Graph:
    """Cells and, for each, the cells that one group may cover together with it (and itself)."""

    def __init__(self, need: Sequence[int], allow: Sequence[int], rows: int) -> None:
        self.cells = [(row, column) for column, held in enumerate(need) for row in bits(held)]
        in_row, in_column = [0] * rows, [0] * len(need)
        for number, (row, column) in enumerate(self.cells):
            in_row[row] |= 1 << number
            in_column[column] |= 1 << number
        may = transposed(allow, rows)
        by_row = {row: _union(may[row], in_column) for row in {r for r, _ in self.cells}}
        by_column = {c: _union(allow[c], in_row) for c in {c for _, c in self.cells}}
        self.near = [by_row[row] & by_column[column] for row, column in self.cells]
        self.live = (1 << len(self.cells)) - 1
        self._left_out: list[tuple[int, int]] = []

    def reduce(self) -> None:
        """Leave out each cell that another one brings along, until none is left."""
        doubtful = self.live
        while doubtful:
            changed = 0
            for cell in bits(doubtful):
                if self.live >> cell & 1:
                    changed |= self._leave_out(self._brought_along(cell), cell)
            doubtful = changed & self.live

    def _brought_along(self, cell: int) -> int:
        """The other cells that have all of this one's neighbours."""
        near = self.near[cell] & self.live
        along = near
        for other in bits(near):
            along &= self.near[other]
            if along == 1 << cell:
                break
        return along & ~(1 << cell)

    def _leave_out(self, others: int, cell: int) -> int:
        """Leave the cells out, remembering who brings them along; return who lost a neighbour."""
        changed = 0
        for other in bits(others):
            self._left_out.append((other, cell))
            changed |= self.near[other]
        self.live &= ~others
        return changed

    def pieces(self) -> Iterator[int]:
        """The cells that remain, in pieces between which there are no neighbours."""
        rest = self.live
        while rest:
            piece, edge = 0, rest & -rest
            while edge:
                piece |= edge
                edge = _union(edge, self.near) & self.live & ~piece
            yield piece
            rest &= ~piece

    def cover(self, piece: int, least: int) -> tuple[list[int], int]:
        """Cliques that cover the piece, and how many are needed: `least`, or more if proved."""
        covers = []
        for turn in range(max(1, EFFORT // piece.bit_count())):
            covers.append(self._greedy(piece, turn))
            if len(covers[-1]) == least:
                return covers[-1], least
        every = self._widest(piece)
        pool = every or list(dict.fromkeys(clique for cover in covers for clique in cover))
        holding = [
            frozenset(n for n, clique in enumerate(pool) if clique >> cell & 1)
            for cell in bits(piece)
        ]
        chosen, proved = fewest(holding, [pool.index(c) for c in min(covers, key=len)])
        return [pool[n] for n in chosen], len(chosen) if every and proved else least

    def _greedy(self, piece: int, turn: int) -> list[int]:
        """Cover the piece, the cells with the fewest neighbours first; ties as `turn` has them."""
        order = list(bits(piece))
        random.Random(turn).shuffle(order)  # nosec B311  # noqa: S311 - the same order on every machine, no secret
        order.sort(key=lambda cell: (self.near[cell] & piece).bit_count())
        left, chosen = piece, []
        for cell in order:
            if left >> cell & 1:
                clique = self._grown(cell, piece, left)
                chosen.append(clique)
                left &= ~clique
        return chosen

    def _grown(self, cell: int, piece: int, left: int) -> int:
        """A clique around the cell that cannot be widened, with as many cells of `left` as come."""
        clique, room = 1 << cell, self.near[cell] & piece & ~(1 << cell)
        while room:
            fresh = room & left or room
            best = max(bits(fresh), key=lambda other: (self.near[other] & fresh).bit_count())
            clique |= 1 << best
            room &= self.near[best] & ~(1 << best)
        return clique

    def apart(self, piece: int) -> int:
        """How many cells were found no two of which are neighbours: each needs its own clique."""
        count, left = 0, piece
        for cell in sorted(bits(piece), key=lambda c: (self.near[c] & piece).bit_count()):
            if left >> cell & 1:
                count += 1
                left &= ~self.near[cell]
        return count

    def _widest(self, piece: int) -> list[int]:
        """All cliques of the piece that cannot be widened; none if there are too many.

        Bron and Kerbosch's search with Tomita's pivot, on a stack of its own.
        """
        found: list[int] = []
        open_ends = [(0, piece, 0)]
        while open_ends:
            clique, room, done = open_ends.pop()
            if not room | done:
                found.append(clique)
                if len(found) > CLIQUE_LIMIT:
                    return []
                continue
            pivot = max(bits(room | done), key=lambda c: (self._others(c) & room).bit_count())
            for cell in bits(room & ~self._others(pivot)):
                others = self._others(cell)
                open_ends.append((clique | 1 << cell, room & others, done & others))
                room &= ~(1 << cell)
                done |= 1 << cell
        return found

    def _others(self, cell: int) -> int:
        return self.near[cell] & ~(1 << cell)

    def widened(self, cliques: list[int]) -> list[int]:
        """The cliques with the cells that were left out, each beside the one that brings it."""
        place = {cell: n for n, clique in enumerate(cliques) for cell in bits(clique)}
        widened = list(cliques)
        for other, cell in reversed(self._left_out):
            if cell in place:  # else it is in a piece that is too large
                place[other] = place[cell]
                widened[place[cell]] |= 1 << other
        return widened

    def columns(self, clique: int) -> int:
        """The columns of the clique's cells."""
        held = 0
        for cell in bits(clique):
            held |= 1 << self.cells[cell][1]
        return held


def _union(members: int, sets: Sequence[int]) -> int:
    held = 0
    for member in bits(members):
        held |= sets[member]
    return held
