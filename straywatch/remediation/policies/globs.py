"""Decide exactly which texts match IAM's wildcard patterns: find one, or prove there is none.

`*` matches any text and `?` one character, across an ARN's colons, too. A policy variable such as
`${aws:username}` is one unknown text: `*` matches it, `?` and letters do not, so what is proved
with it holds whatever its value is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

ANY = "<any>"
ONE = "<one>"
WORK_LIMIT = 2_000_000
"""Moves of one pattern by one symbol before the answer is 'undecided': about a second."""

_TOKEN = re.compile(r"\$\{[^}]*\}|.", re.DOTALL)
_ESCAPES = {"${*}": "*", "${?}": "?", "${$}": "$"}
_WILDCARDS = {"*": ANY, "?": ONE}


class UndecidedError(Exception):
    """The patterns are too entangled to decide within the limit."""


class Pattern(str):
    """A wildcard pattern in which `${...}` is a variable."""

    __slots__ = ()


class LiteralPattern(Pattern):
    """A wildcard pattern in which `${...}` is plain text (policy version 2008-10-17)."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LiteralPattern) and str.__eq__(self, other)

    def __hash__(self) -> int:
        return hash(("literal", str(self)))


@dataclass(frozen=True)
class _Automaton:
    """Positions in a pattern as the bits of a number, moved by one symbol at a time."""

    letters: dict[str, int]
    loops: int
    ones: int
    end: int

    def start(self) -> int:
        return self._spread(1)

    def step(self, state: int, symbol: str) -> int:
        moved = self.letters.get(symbol, 0)
        if len(symbol) == 1:
            moved |= self.ones
        return self._spread(((state & moved) << 1) | (state & self.loops))

    def accepts(self, state: int) -> bool:
        return bool(state & self.end)

    def _spread(self, state: int) -> int:
        while True:
            wider = state | ((state & self.loops) << 1)
            if wider == state:
                return state
            state = wider


@lru_cache(maxsize=65536)
def tokens(pattern: Pattern) -> tuple[str, ...]:
    """Split a pattern into wildcards, characters and variables."""
    if isinstance(pattern, LiteralPattern):
        return tuple(_WILDCARDS.get(c, c) for c in pattern)
    found = _TOKEN.findall(pattern)
    return tuple(_ESCAPES.get(t, _WILDCARDS.get(t, t)) for t in found)


def has_variables(pattern: Pattern) -> bool:
    """Tell whether the pattern holds a policy variable."""
    return any(len(t) > 1 and t not in (ANY, ONE) for t in tokens(pattern))


@lru_cache(maxsize=65536)
def _automaton(pattern: Pattern) -> _Automaton:
    letters: dict[str, int] = {}
    loops = ones = 0
    parts = tokens(pattern)
    for position, token in enumerate(parts):
        flag = 1 << position
        if token == ANY:
            loops |= flag
        elif token == ONE:
            ones |= flag
        else:
            letters[token] = letters.get(token, 0) | flag
    return _Automaton(letters, loops, ones, 1 << len(parts))


@lru_cache(maxsize=262144)
def contains(big: Pattern, small: Pattern) -> bool:
    """Tell whether `big` matches all that `small` matches. Raises UndecidedError."""
    if big in (small, "*"):
        return True
    return witness(frozenset({small}), frozenset({big})) is None


@lru_cache(maxsize=65536)
def witness(inside: frozenset[Pattern], outside: frozenset[Pattern]) -> str | None:
    """A shortest text that matches all of `inside`, none of `outside`; None proves there is none.

    Raises UndecidedError when the search grows past WORK_LIMIT.
    """
    if inside & outside or "*" in outside:
        return None
    if outside:
        shortest = witness(inside, frozenset())
        if shortest is None:
            return None
        outside = frozenset(p for p in outside if _may_meet(p, inside))
        if not any(_accepts(p, shortest) for p in outside):
            return shortest
    return _search(inside, outside)


def _may_meet(pattern: Pattern, inside: frozenset[Pattern]) -> bool:
    """Whether the letters that patterns begin with leave room for a text that matches all."""
    own = stem(pattern)
    return all(own.startswith(s) or s.startswith(own) for s in map(stem, inside))


@lru_cache(maxsize=65536)
def stem(pattern: Pattern) -> str:
    """The letters that all matching texts begin with."""
    letters = []
    for token in tokens(pattern):
        if len(token) > 1:
            break
        letters.append(token)
    return "".join(letters)


def _accepts(pattern: Pattern, text: str) -> bool:
    """Whether a text, in which variables stand by their names, matches a pattern."""
    automaton = _automaton(pattern)
    state = automaton.start()
    for symbol in _TOKEN.findall(text):
        state = automaton.step(state, symbol)
    return automaton.accepts(state)


def _search(inside: frozenset[Pattern], outside: frozenset[Pattern]) -> str | None:
    """Walk all patterns at once, breadth first, until a text is found or nothing new is reached."""
    required = [_automaton(p) for p in sorted(inside)]
    forbidden = [_automaton(p) for p in sorted(outside)]
    automata = required + forbidden
    symbols = _symbols(automata)
    start = tuple(a.start() for a in automata)
    known: dict[tuple[int, ...], tuple[tuple[int, ...], str] | None] = {start: None}
    level = [start]
    while level:
        following: list[tuple[int, ...]] = []
        for state in level:
            if _accepted(state, required, forbidden):
                return _spell(state, known)
            for symbol in symbols:
                moved = tuple(a.step(s, symbol) for a, s in zip(automata, state, strict=True))
                if moved not in known and all(moved[: len(required)]):
                    known[moved] = (state, symbol)
                    following.append(moved)
        if len(known) * len(symbols) * len(automata) > WORK_LIMIT:
            raise UndecidedError("too many wildcards to compare")
        level = following
    return None


def _symbols(automata: list[_Automaton]) -> list[str]:
    used = {symbol for a in automata for symbol in a.letters}
    other = next(c for c in "xyzabcdefghijklmnopqrstuvw0123456789~\x00" if c not in used)
    return [other, *sorted(used)]  # examples read best without letters of their own


def _accepted(
    state: tuple[int, ...], required: list[_Automaton], forbidden: list[_Automaton]
) -> bool:
    split = len(required)
    return all(a.accepts(s) for a, s in zip(required, state[:split], strict=True)) and not any(
        a.accepts(s) for a, s in zip(forbidden, state[split:], strict=True)
    )


def _spell(
    state: tuple[int, ...], known: dict[tuple[int, ...], tuple[tuple[int, ...], str] | None]
) -> str:
    letters = []
    step = known[state]
    while step is not None:
        letters.append(step[1])
        step = known[step[0]]
    return "".join(reversed(letters))
