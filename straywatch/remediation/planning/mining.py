"""Find the fewest groups that cover what users hold: role mining on bit sets, with a lower bound.

Exactly minimal is NP-hard (minimum biclique cover; Ene et al., "Fast exact and heuristic methods
for role minimization problems", SACMAT 2008), but real accounts are mostly easy: once the cells
that others bring along are left out (`dominance`), what remains falls into pieces that are solved
exactly (`cliques`). Only where pieces are too large or quotas forbid the answer, candidates are
tried: closures, all that everyone who holds a seed may hold. Greedy set cover picks among them,
within a factor 1 + ln(cells) of the fewest that these candidates allow, and the HiGHS solver looks
for fewer. Cells of which no group can cover two prove, for the instance at hand, how many groups
no plan can do without.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations

from straywatch.remediation.planning.cliques import cover_by_cliques
from straywatch.remediation.planning.cover import fewest
from straywatch.remediation.planning.dominance import (
    bits,
    common,
    essential,
    transposed,
)

PAIR_LIMIT = 20_000
"""Pairs of permissions tried as seeds: keeps the search within seconds on 5,000 users."""

THRESHOLDS = (0.95, 0.8, 0.6)
"""Shares of a permission's holders who hold another, too: seeds that survive noise."""

CONCEPT_LIMIT = 3_000
"""Groups that cannot be widened, up to which all of them are tried: then the answer is exact."""

SOLVER_LIMIT = 30_000_000
"""Pairs of cell and candidate beyond which the solver is not asked: about five seconds."""

NARROWEST = 40
"""Holders of each permission tried for the lower bound: those who hold least."""

Fits = Callable[[int], bool]
Score = Callable[[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Row:
    """Users with the same permissions: what groups must give them, and may give them."""

    needs: int
    allowed: int
    users: int = 1
    waiting: bool = True
    """They are in no group yet, so that they must get one even if nobody shares it."""


@dataclass(frozen=True)
class Cover:
    """Groups as sets of permissions, and the number that no cover of the same cells goes below."""

    groups: tuple[int, ...]
    bound: int


def mine(rows: tuple[Row, ...], fits: Fits = lambda _: True) -> Cover:
    """Cover each row's needs by groups within its allowed permissions, with few groups.

    `fits` tells whether IAM's quotas let one group hold a set of permissions; any single one must
    fit. Deterministic: the same rows give the same groups in the same order.
    """
    table = _Table(rows, fits)
    cliques = cover_by_cliques(table.essential(), table.allow, len(rows))
    solved = [group for group in map(table.widest, cliques.groups) if table.fits(group)]
    left = table.left_by(solved)
    best, bound = solved, cliques.bound
    if any(left):
        best, bound = table.search(solved, left, max(bound, table.bound()))
    return Cover(tuple(table.expand(group) for group in best), bound)


def shared_only(rows: tuple[Row, ...], least: int, fits: Fits = lambda _: True) -> tuple[Row, ...]:
    """Take out of each row's needs what no group with `least` users would give them.

    A group counts the users who get something from it that no other group gives them. Rows that
    wait for a group keep all their needs if nothing they need is shared.
    """
    if least <= 1 or not rows:
        return rows
    table = _Table(rows, fits)
    chosen, _ = table.greedy(table.candidates(), _most_cells, least)
    chosen = table.without_lonely(chosen, least)
    covered = [0] * len(rows)
    for group in chosen:
        content = table.expand(group)
        for row in bits(table.extent(group)):
            covered[row] |= content
    return tuple(
        row if row.waiting and not row.needs & given else replace(row, needs=row.needs & given)
        for row, given in zip(rows, covered, strict=True)
    )


def _most_cells(cells: int, users: int) -> tuple[int, int]:
    return (cells, users)


def _most_users(cells: int, users: int) -> tuple[int, int]:
    return (users, cells)


class _Table:
    """The rows as columns: for each class of permissions, who needs it and who may hold it.

    A class is permissions that the same rows need and may hold; it is never split between groups.
    """

    def __init__(self, rows: tuple[Row, ...], fits: Fits) -> None:
        self.rows = rows
        self._fits = fits
        need: dict[int, int] = {}
        allow: dict[int, int] = {}
        for index, row in enumerate(rows):
            flag = 1 << index
            for item in bits(row.needs):
                need[item] = need.get(item, 0) | flag
            for item in bits(row.allowed | row.needs):
                allow[item] = allow.get(item, 0) | flag
        self.columns: list[int] = []
        self.need: list[int] = []
        self.allow: list[int] = []
        last: dict[tuple[int, int], int] = {}
        for item in sorted(need):
            signature = (need[item], allow[item])
            column = last.get(signature)
            if column is not None and fits(self.columns[column] | 1 << item):
                self.columns[column] |= 1 << item
                continue
            last[signature] = len(self.columns)
            self.columns.append(1 << item)
            self.need.append(need[item])
            self.allow.append(allow[item])
        self._may = transposed(self.allow, len(rows))

    def expand(self, group: int) -> int:
        """The permissions behind a set of classes."""
        mask = 0
        for column in bits(group):
            mask |= self.columns[column]
        return mask

    def fits(self, group: int) -> bool:
        """Tell whether one IAM group can hold a set of classes."""
        return self._fits(self.expand(group))

    def closure(self, holders: int) -> int:
        """All classes that every one of `holders` may hold."""
        return common(holders, self._may, (1 << len(self.columns)) - 1)

    def extent(self, group: int) -> int:
        """The rows that may hold the whole group."""
        return common(group, self.allow, (1 << len(self.rows)) - 1)

    def essential(self) -> list[int]:
        """For each class the rows that must be looked at: see `dominance`."""
        return essential(self.need, self.allow, len(self.rows))

    def widest(self, group: int) -> int:
        """The group with all that everyone who may hold it may hold, if that fits."""
        wide = self.closure(self.extent(group))
        return wide if self.fits(wide) else group

    def left_by(self, groups: list[int]) -> list[int]:
        """For each class the rows that need it and get it from none of the groups."""
        left = list(self.need)
        for group in groups:
            extent = self.extent(group)
            for column in bits(group):
                left[column] &= ~extent
        return left

    def search(self, solved: list[int], left: list[int], bound: int) -> tuple[list[int], int]:
        """The fewest groups that greedy covers and the solver find, with and without `solved`."""
        best: list[int] = []
        pool = list(dict.fromkeys([*self.candidates(), *solved]))
        for start, need in ((solved, left), ([], self.need)) if solved else (([], self.need),):
            for score in (_most_cells, _most_users):
                more, pool = self.greedy(pool, score, need=need)
                chosen = self.without_spare([*start, *more])
                best = chosen if not best or len(chosen) < len(best) else best
                if len(best) == bound:
                    return best, bound
        own = list(dict.fromkeys(self.closure(1 << row) for row in self._needy()))
        if len(own) < len(best) and all(map(self.fits, own)):
            best = self.without_spare(own)
        return self.solve(list(dict.fromkeys([*pool, *best])), best, bound)

    def _needy(self) -> Iterator[int]:
        return (index for index, row in enumerate(self.rows) if row.needs)

    def users(self, holders: int, enough: int) -> int:
        """The number of users in `holders`, counted no further than needed to reach `enough`."""
        count = holders.bit_count()
        if count >= enough:
            return count
        return sum(self.rows[row].users for row in bits(holders))

    def candidates(self) -> list[int]:
        """Groups worth trying, without repeats, in an order that depends on the rows alone."""
        found: dict[int, None] = {}
        for column, need in enumerate(self.need):
            found.setdefault(1 << column)
            for share in THRESHOLDS:
                found.setdefault(self._near(need, share) | 1 << column)
        for seed in self._seeds():
            found.setdefault(self.closure(seed))
        return [group for group in found if group and self.fits(group)]

    def _near(self, holders: int, share: float) -> int:
        enough = share * holders.bit_count()
        group = 0
        for column, allow in enumerate(self.allow):
            if (allow & holders).bit_count() >= enough:
                group |= 1 << column
        return group

    def _seeds(self) -> Iterator[int]:
        yield from self.need
        yield from (1 << index for index in self._needy())
        pairs = 0
        order = sorted(range(len(self.need)), key=lambda c: (-self.need[c].bit_count(), c))
        for one, other in combinations(order, 2):
            both = self.need[one] & self.need[other]
            if both.bit_count() > 1:
                yield both
                pairs += 1
                if pairs == PAIR_LIMIT:
                    return

    def greedy(
        self, pool: list[int], score: Score, least: int = 1, need: list[int] | None = None
    ) -> tuple[list[int], list[int]]:
        """Take the candidate with the best score until none gives `least` users something new.

        Returns the groups chosen and the pool, widened by the closures of what was left over on
        the way. With `least` 1 every cell gets covered: the pool holds every single class.
        """
        search = _Greedy(self, pool, score, least, self.need if need is None else need)
        return search.run(), search.pool

    def without_spare(self, chosen: list[int]) -> list[int]:
        """Drop groups, those that cover least first, whose every cell another group covers."""
        return self.without_lonely(chosen, 1)

    def without_lonely(self, chosen: list[int], least: int) -> list[int]:
        """Drop groups of which fewer than `least` users get what no other group gives them."""
        extents = {group: self.extent(group) for group in chosen}
        kept = list(chosen)
        giving: dict[int, set[int]] = {}
        for group in kept:
            for column in bits(group):
                giving.setdefault(column, set()).add(group)
        for group in sorted(chosen, key=lambda g: (extents[g].bit_count() * g.bit_count(), g)):
            alone = 0
            for column in bits(group):
                left = self.need[column] & extents[group]
                for other in giving[column] - {group}:
                    left &= ~extents[other]
                alone |= left
            if not alone or self.users(alone, least) < least:
                kept.remove(group)
                for column in bits(group):
                    giving[column].discard(group)
        return kept

    def solve(self, pool: list[int], best: list[int], bound: int) -> tuple[list[int], int]:
        """Ask the solver for fewer groups than `best`, and for a proof that there are none.

        It is a proof if the candidates hold every group worth considering.
        """
        every = self.concepts()
        complete = every is not None and all(self.fits(group) for group in every)
        if every is not None:
            pool = list(dict.fromkeys([*pool, *(g for g in every if self.fits(g))]))
        extents = [self.extent(group) for group in pool]
        having = [
            [(n, extents[n]) for n, group in enumerate(pool) if group >> column & 1]
            for column in range(len(self.need))
        ]
        work = sum(n.bit_count() * len(h) for n, h in zip(self.need, having, strict=True))
        if work > SOLVER_LIMIT:
            return best, bound
        cells = [
            frozenset(n for n, extent in having[column] if extent >> row & 1)
            for column, need in enumerate(self.need)
            for row in bits(need)
        ]
        known = [pool.index(group) for group in best]
        chosen, proved = fewest(cells, known)
        found = [pool[n] for n in chosen]
        return found, len(found) if proved and complete else bound

    def concepts(self) -> list[int] | None:
        """Every group that cannot be widened for its holders; None if there are too many."""
        found: dict[int, None] = {}
        masks = sorted({self.closure(1 << row) for row in range(len(self.rows))})
        for mask in masks:
            found.update(dict.fromkeys([mask, *(mask & other for other in list(found))]))
            if len(found) > CONCEPT_LIMIT:
                return None
        return [group for group in found if group]

    def bound(self) -> int:
        """How many cells were found no two of which fit in one group: so many groups are needed."""
        found: dict[int, int] = {}
        columns = count = 0
        for column in sorted(range(len(self.need)), key=lambda c: (self.need[c].bit_count(), c)):
            holders = sorted(
                bits(self.need[column]), key=lambda r: (self.rows[r].allowed.bit_count(), r)
            )
            for row in holders[:NARROWEST]:
                near = bits(self._may[row] & columns)
                if not any(found[other] & self.allow[column] for other in near):
                    found[column] = found.get(column, 0) | 1 << row
                    columns |= 1 << column
                    count += 1
        return count


class _Greedy:
    """Lazy greedy set cover: scores only fall, so a candidate is scored again only at the top."""

    def __init__(
        self, table: _Table, pool: list[int], score: Score, least: int, need: list[int]
    ) -> None:
        self.table = table
        self.pool = list(pool)
        self._score = score
        self._least = least
        self._open = list(need)
        self._extents = [table.extent(group) for group in pool]
        self._known = set(pool)
        self._heap: list[tuple[int, int, int]] = []

    def run(self) -> list[int]:
        for index in range(len(self.pool)):
            self._offer(index)
        chosen: list[int] = []
        while self._heap:
            first, second, index = heapq.heappop(self._heap)
            worth = self._worth(index)
            if (-first, -second) != worth:
                self._offer(index)
                continue
            chosen.append(self.pool[index])
            self._take(index)
        return chosen

    def _worth(self, index: int) -> tuple[int, int]:
        cells = served = 0
        for column in bits(self.pool[index]):
            fresh = self._extents[index] & self._open[column]
            cells += fresh.bit_count()
            served |= fresh
        users = self.table.users(served, self._least)
        return self._score(cells, users) if served and users >= self._least else (0, 0)

    def _offer(self, index: int) -> None:
        first, second = self._worth(index)
        if first:
            heapq.heappush(self._heap, (-first, -second, index))

    def _take(self, index: int) -> None:
        for column in bits(self.pool[index]):
            before = self._open[column]
            self._open[column] = left = before & ~self._extents[index]
            if left and left != before:
                self._add(self.table.closure(left))

    def _add(self, group: int) -> None:
        if group not in self._known and self.table.fits(group):
            self._known.add(group)
            self.pool.append(group)
            self._extents.append(self.table.extent(group))
            self._offer(len(self.pool) - 1)
