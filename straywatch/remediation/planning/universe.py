"""Every permission in the account as a bit, and which permissions include which others.

A permission is an attached managed policy, or one grant of an inline document. Sets of permissions
are the bits of a number, so that thousands of users compare in moments.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.policies import DocumentError
from straywatch.remediation.planning.dominance import bits
from straywatch.remediation.policies.documents import (
    Grant,
    Patterns,
    compose,
    grants,
    size,
    spellings,
)
from straywatch.remediation.policies.gains import Gain, weigh
from straywatch.remediation.policies.globs import (
    LiteralPattern,
    Pattern,
    UndecidedError,
    contains,
)
from straywatch.remediation.reading.effective import Managed, managed_grants

Permission = str | Grant
"""A managed policy's ARN, or a grant."""


@dataclass(frozen=True)
class Written:
    """A set of permissions as IAM would hold it in one group."""

    attach: tuple[str, ...]
    documents: tuple[dict[str, Any], ...]
    denies_only: bool = False

    @property
    def characters(self) -> int:
        """What the inline documents count towards the group's quota."""
        return sum(size(document) for document in self.documents)


class Universe:
    """The permissions of one snapshot, numbered in an order that depends on them alone."""

    def __init__(
        self,
        arns: Iterable[str],
        documents: Iterable[Mapping[str, Any]],
        policies: Managed,
    ) -> None:
        """Number the managed policies `arns` and the grants of `documents` and of the policies."""
        self._policies = policies
        self.arns = sorted(set(arns))
        self._spelling: dict[str, str] = {}
        found: set[Grant] = set()
        for document in documents:
            try:
                found |= grants(document)
            except DocumentError:
                continue  # an unreadable document is never moved, so it needs no number
            self._learn(document)
        for arn in self.arns:
            found |= managed_grants(arn, policies)
            self._learn_managed(arn)
        self.permissions: list[Permission] = [*self.arns, *sorted(found)]
        self._number = {p: n for n, p in enumerate(self.permissions)}
        self._grant_bits = {a: self._mask(managed_grants(a, policies)) for a in self.arns}
        self._down = _inclusions(self.permissions)
        self._closures: dict[int, int] = {}
        self._weights: dict[int, Gain] = {}
        self.denies = self._mask(g for g in found if g.effect != "Allow")
        self.denials = self._mask(g for g in found if g.effect == "Deny")
        self.denies |= self._mask(a for a in self.arns if self._grant_bits[a] & self.denies)
        negated = (g for g in found if g.actions.negated or g.resources.negated)
        self.vague = self.denies | self._mask(negated)
        self._same_as = self._equals()

    def _learn(self, document: Mapping[str, Any]) -> None:
        for lower, spelled in spellings(document).items():
            self._spelling[lower] = min(self._spelling.get(lower, spelled), spelled)

    def _learn_managed(self, arn: str) -> None:
        policy = self._policies.get(arn)
        if policy is not None and policy.document is not None:
            with suppress(DocumentError):  # it stands for itself, and nothing of it is written
                self._learn(policy.document)

    def _mask(self, members: Iterable[Permission]) -> int:
        mask = 0
        for member in members:
            mask |= 1 << self._number[member]
        return mask

    def _equals(self) -> dict[int, str]:
        """Managed policies by what they grant: an equal document is the same permission."""
        found: dict[int, str] = {}
        for arn in self.arns:
            found.setdefault(self._grant_bits[arn], arn)
        return found

    def managed(self, arn: str) -> int:
        """The bit of a managed policy."""
        return 1 << self._number[arn]

    def document(self, document: Mapping[str, Any]) -> int:
        """The bits of a document: of the managed policy that says the same, or of its grants.

        Raises DocumentError.
        """
        mask = self._mask(grants(document))
        same = self._same_as.get(mask)
        return mask if same is None else self.managed(same)

    def held(self, attached: Iterable[str], documents: Iterable[Mapping[str, Any]]) -> int:
        """The bits of all readable policies of a user or group."""
        mask = 0
        for arn in attached:
            mask |= self.managed(arn)
        for document in documents:
            try:
                mask |= self.document(document)
            except DocumentError:
                continue  # it stays where it is, and so gives and takes nothing
        return mask

    def gained(self, held: int, allowed: int) -> int:
        """The single grants in `held`, those of managed policies too, beyond what is allowed."""
        reached = 0
        for number in bits(held & ~allowed):
            is_managed = number < len(self.arns)
            reached |= self._grant_bits[self.arns[number]] if is_managed else 1 << number
        return reached & ~allowed

    def only_denies(self, held: int) -> bool:
        """Tell whether some permissions take away and give nothing."""
        single = self.gained(held, 0)
        return bool(single) and not single & ~self.denials

    def weight(self, gained: int) -> Gain:
        """What some single grants come to as a gain."""
        known = self._weights.get(gained)
        if known is None:
            parts = (self.permissions[number] for number in bits(gained))
            known = self._weights[gained] = weigh(p for p in parts if isinstance(p, Grant))
        return known

    def closure(self, held: int) -> int:
        """All permissions that holders of `held` have in effect by it."""
        known = self._closures.get(held)
        if known is None:
            known = self._closures[held] = self._close(held)
        return known

    def _close(self, held: int) -> int:
        reached = held
        for number in bits(held):
            if number < len(self.arns):
                for grant in bits(self._grant_bits[self.arns[number]]):
                    reached |= self._down[grant]
            else:
                reached |= self._down[number]
        for arn, needed in self._grant_bits.items():
            if not needed & ~reached:
                reached |= self.managed(arn)
        return reached

    def least(self, held: int) -> int:
        """`held` without what the rest of it includes anyway."""
        kept = held
        for number in sorted(bits(held), reverse=True):
            rest = kept & ~(1 << number)
            if self._included(number, rest):
                kept = rest
        return kept

    def _included(self, number: int, rest: int) -> bool:
        if number < len(self.arns):
            return bool(self._close(rest) >> number & 1)
        managed = rest & ((1 << len(self.arns)) - 1)
        if any(self.closure(1 << m) >> number & 1 for m in bits(managed)):
            return True
        return bool(self._up[number] & rest & ~(1 << number))

    @property
    def _up(self) -> list[int]:
        known: list[int] | None = self.__dict__.get("_upward")
        if known is None:
            known = [0] * len(self.permissions)
            for wide, narrow in enumerate(self._down):
                for number in bits(narrow):
                    known[number] |= 1 << wide
            self.__dict__["_upward"] = known
        return known

    def written(self, held: int) -> Written:
        """The managed policies to attach and the documents to put for a set of permissions."""
        parts = [self.permissions[number] for number in bits(held)]
        attach = tuple(p for p in parts if isinstance(p, str))
        documents = compose([p for p in parts if isinstance(p, Grant)], self._spelling)
        return Written(attach, tuple(documents))

    def shown(self, held: int) -> list[str]:
        """The permissions in words."""
        return [self._words(self.permissions[number]) for number in bits(held)]

    def _words(self, permission: Permission) -> str:
        if isinstance(permission, str):
            return permission
        spelled = tuple(self._spelling.get(p, p) for p in permission.actions.patterns)
        return str(permission._replace(actions=Patterns(spelled, permission.actions.negated)))


def _inclusions(permissions: list[Permission]) -> list[int]:
    """For each permission, the grants it includes by itself (managed policies: only themselves)."""
    index = _Index(permissions)
    return [
        1 << number if isinstance(p, str) else index.included(number, p)
        for number, p in enumerate(permissions)
    ]


class _Index:
    """Finds the grants that one grant includes without comparing every pair."""

    def __init__(self, permissions: list[Permission]) -> None:
        self._actions = _Axis()
        self._resources = _Axis()
        self._effects: dict[str, int] = {}
        self._conditions: dict[Any, int] = {}
        for number, grant in enumerate(permissions):
            if isinstance(grant, Grant):
                flag = 1 << number
                self._actions.add(grant.actions, flag, literal=False)
                self._resources.add(grant.resources, flag, literal=grant.literal)
                self._effects[grant.effect] = self._effects.get(grant.effect, 0) | flag
                seen = self._conditions.get(grant.condition, 0)
                self._conditions[grant.condition] = seen | flag

    def included(self, number: int, grant: Grant) -> int:
        if grant.effect == "Opaque":
            return 1 << number
        conditions = 0
        for condition, flags in self._conditions.items():
            if set(grant.condition) <= set(condition):
                conditions |= flags
        return 1 << number | (
            self._actions.within(grant.actions, literal=False)
            & self._resources.within(grant.resources, literal=grant.literal)
            & self._effects[grant.effect]
            & conditions
        )


class _Axis:
    """The patterns in one element of all grants, and which of them lie within a given one."""

    def __init__(self) -> None:
        self._flags: dict[tuple[Patterns, bool], int] = {}
        self._known: dict[tuple[Patterns, bool], int] = {}
        self._sorted: list[tuple[str, bool]] = []

    def add(self, patterns: Patterns, flag: int, *, literal: bool) -> None:
        key = (patterns, literal)
        self._flags[key] = self._flags.get(key, 0) | flag

    def within(self, wide: Patterns, *, literal: bool) -> int:
        key = (wide, literal)
        if key not in self._known:
            self._known[key] = self._find(wide, literal=literal)
        return self._known[key]

    def _find(self, wide: Patterns, *, literal: bool) -> int:
        found = self._flags.get((wide, literal), 0)
        if wide.negated:
            return found
        text = wide.patterns[0] if wide.patterns else ""
        if text == "*":
            return self._all()
        if not literal and "*" not in text and "?" not in text:
            return found
        for narrow, narrow_literal in self._starting_with(_stem(text)):
            if _contains(text, narrow, literal=literal, narrow_literal=narrow_literal):
                found |= self._flags[Patterns((narrow,)), narrow_literal]
        return found

    def _all(self) -> int:
        found = 0
        for flags in self._flags.values():
            found |= flags
        return found

    def _starting_with(self, stem: str) -> Iterable[tuple[str, bool]]:
        if not self._sorted:
            plain = [(p.patterns[0], lit) for p, lit in self._flags if not p.negated and p.patterns]
            self._sorted = sorted(plain)
        position = bisect_left(self._sorted, (stem, False))
        while position < len(self._sorted) and self._sorted[position][0].startswith(stem):
            yield self._sorted[position]
            position += 1


def _stem(text: str) -> str:
    """The letters before the first wildcard or variable: all that lies within begins with them."""
    ends = [text.find(mark) for mark in ("*", "?", "${") if mark in text]
    return text[: min(ends)] if ends else text


def _contains(wide: str, narrow: str, *, literal: bool, narrow_literal: bool) -> bool:
    try:
        return contains(
            LiteralPattern(wide) if literal else Pattern(wide),
            LiteralPattern(narrow) if narrow_literal else Pattern(narrow),
        )
    except UndecidedError:
        return False
