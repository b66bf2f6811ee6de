"""Compare what two sets of policies allow in effect: proved the same, or differing, or undecided.

In effect allowed is what an Allow grants and no Deny takes back, within the permissions boundary.
A condition is kept apart as an opaque unit: it equals itself, and fewer conditions are wider.
What cannot be proved the same is reported, never passed over. Not looked at: resource policies,
service control policies and session policies, none of which a move from user to group changes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from straywatch.remediation.policies.documents import Condition, Grant, Patterns
from straywatch.remediation.policies.globs import (
    LiteralPattern,
    Pattern,
    UndecidedError,
    contains,
    has_variables,
    stem,
    witness,
)

SEARCH_LIMIT = 2_000
"""Pieces a grant is cut into before a comparison is called undecided."""

DEPTH_LIMIT = 300
"""Grants that overlap one another in part: beyond so many a comparison is called undecided."""

_ANY_ACTION = Pattern("?*:?*")
_ANY_RESOURCE = Pattern("?*")


@dataclass(frozen=True)
class Policies:
    """All grants that apply to one user; `boundary` is None where no boundary limits them."""

    grants: frozenset[Grant]
    boundary: frozenset[Grant] | None = None


@dataclass(frozen=True)
class Difference:
    """Something allowed before or after, not both; `proved` is false where it may be the same."""

    change: Literal["gain", "loss"]
    grant: str
    action: str
    resource: str
    proved: bool

    def __str__(self) -> str:
        doubt = "" if self.proved else " (unless a condition or variable makes it the same)"
        return f"{self.grant}: for example {self.action} on {self.resource}{doubt}"


@dataclass(frozen=True)
class _Region:
    """Actions and resources that match every pattern in `_in` and none in `_out`."""

    actions_in: frozenset[Pattern]
    actions_out: frozenset[Pattern]
    resources_in: frozenset[Pattern]
    resources_out: frozenset[Pattern]
    condition: Condition = ()

    def variables(self) -> bool:
        return any(has_variables(p) for p in self.resources_in | self.resources_out)

    def example(self) -> tuple[str, str] | None:
        """An action and a resource in the region, or None if it is empty."""
        action = witness(self.actions_in, self.actions_out)
        if action is None:
            return None
        resource = witness(self.resources_in, self.resources_out)
        return None if resource is None else (action, resource)

    def within(self, other: _Region) -> _Region:
        return _Region(
            self.actions_in | other.actions_in,
            self.actions_out | other.actions_out,
            self.resources_in | other.resources_in,
            self.resources_out | other.resources_out,
            tuple(sorted({*self.condition, *other.condition})),
        )

    def without(self, other: _Region) -> Iterable[_Region]:
        """The pieces that are left when `other` is cut out."""
        for p in sorted(other.actions_in - {_ANY_ACTION}):
            yield replace(self, actions_out=self.actions_out | {p})
        for p in sorted(other.actions_out):
            yield replace(self, actions_in=self.actions_in | {p})
        for p in sorted(other.resources_in - {_ANY_RESOURCE}):
            yield replace(self, resources_out=self.resources_out | {p})
        for p in sorted(other.resources_out):
            yield replace(self, resources_in=self.resources_in | {p})


_Found = tuple[str, str, bool] | None
"""An action and a resource that one side lacks, and whether that is proved; None: no such thing."""


@dataclass(frozen=True)
class _Part:
    """What some grants allow together; `exact` is false where the region is drawn too wide."""

    region: _Region
    sources: frozenset[Grant]
    exact: bool = True


@lru_cache(maxsize=65536)
def compare(before: Policies, after: Policies) -> tuple[Difference, ...]:
    """List what is gained and lost in effect; an empty answer is a proof that nothing is."""
    if before == after:
        return ()
    return (*_missing(before, after, "loss"), *_missing(after, before, "gain"))


def includes(wide: Grant, narrow: Grant) -> bool:
    """Tell whether `wide` is proved to cover `narrow`; false also where that is undecided."""
    if wide == narrow:
        return True
    if wide.effect != narrow.effect or wide.effect == "Opaque":
        return False
    if not set(wide.condition) <= set(narrow.condition):
        return False
    try:
        return _patterns_include(wide.actions, narrow.actions, literal=False) and _patterns_include(
            wide.resources, narrow.resources, literal=wide.literal, narrow_literal=narrow.literal
        )
    except UndecidedError:
        return False


def _patterns_include(
    wide: Patterns, narrow: Patterns, *, literal: bool, narrow_literal: bool = False
) -> bool:
    if wide.negated or narrow.negated:
        return wide == narrow or ("*" in wide.patterns and not wide.negated)
    return contains(
        _pattern(wide.patterns[0], literal=literal),
        _pattern(narrow.patterns[0], literal=narrow_literal),
    )


def _missing(
    source: Policies, target: Policies, change: Literal["gain", "loss"]
) -> Iterable[Difference]:
    """What `source` allows in effect and `target` does not."""
    yield from _opaque_missing(source, target, change)
    covers = [target.grants] + ([target.boundary] if target.boundary is not None else [])
    if source.boundary is not None and source.boundary == target.boundary:
        covers = covers[:1]
    shields = _denies(source)
    new_denies = [d for d in sorted(_denies(target)) if not _denied_already(d, shields)]
    for grant in sorted(g for g in source.grants if g.effect == "Allow"):
        known = all(grant in cover for cover in covers)
        if known and not new_denies:
            continue
        difference = _grant_missing(grant, source, covers, new_denies, change)
        if difference is not None:
            yield difference


def _opaque_missing(
    source: Policies, target: Policies, change: Literal["gain", "loss"]
) -> Iterable[Difference]:
    """Unreadable policies: one that only one side has may allow or deny anything."""
    ours, theirs = (
        {g for g in p.grants | (p.boundary or frozenset()) if g.effect == "Opaque"}
        for p in (source, target)
    )
    for grant in sorted(ours ^ theirs):
        name = grant.actions.patterns[0]
        yield Difference(change, f"unreadable policy {name}", "any", "any", proved=False)


def _grant_missing(
    grant: Grant,
    source: Policies,
    covers: list[frozenset[Grant]],
    new_denies: list[Grant],
    change: Literal["gain", "loss"],
) -> Difference | None:
    """The first proved difference for one grant, else the first that cannot be excluded."""
    doubt: Difference | None = None
    shields = _denies(source)
    for part in _effective(grant, source):
        for found in (
            *(_uncovered(part, cover, shields) for cover in covers),
            *(_newly_denied(part, deny, shields) for deny in new_denies),
        ):
            if found is None:
                continue
            action, resource, proved = found
            difference = Difference(change, str(grant), action, resource, proved)
            if proved:
                return difference
            doubt = doubt or difference
    return doubt


def _effective(grant: Grant, policies: Policies) -> list[_Part]:
    """The grant, limited by each Allow of the boundary in turn."""
    if policies.boundary is None:
        return [_Part(_region(grant), frozenset({grant}))]
    limits = sorted(g for g in policies.boundary if g.effect == "Allow")
    return [_limited(grant, limit) for limit in limits]


def _limited(grant: Grant, limit: Grant) -> _Part:
    sources = frozenset({grant, limit})
    if includes(limit, grant):
        return _Part(_region(grant), sources)
    if includes(grant, limit):
        return _Part(_region(limit), sources)
    region = _region(grant).within(_region(limit))
    if region.variables():  # an empty meeting proves nothing: a variable may take any value
        wide = replace(region, resources_in=_region(grant).resources_in)
        return _Part(wide, sources, exact=False)
    return _Part(region, sources)


def _uncovered(part: _Part, cover: frozenset[Grant], shields: frozenset[Grant]) -> _Found:
    """Something in `part` that `cover` does not allow and no Deny of its own takes back."""
    if part.sources & cover:
        return None
    candidates = [g for g in cover if g.effect == "Allow"] + list(shields)
    found = _search(part, candidates)
    # all but a variable's value cannot be cut out, but one grant may well include another
    if found and any(includes(wide, source) for wide in cover for source in part.sources):
        return None
    return found


def _newly_denied(part: _Part, deny: Grant, shields: frozenset[Grant]) -> _Found:
    """Something in `part` that `deny` takes away although nothing did before."""
    denied = _region(deny)
    meeting = part.region.within(denied)
    if denied.variables() or part.region.variables():
        try:
            action = witness(meeting.actions_in, meeting.actions_out)
        except UndecidedError:
            action = "?"
        return None if action is None else (action, str(deny.resources.patterns[0]), False)
    return _search(replace(part, region=meeting), list(shields))


def _search(part: _Part, candidates: list[Grant]) -> _Found:
    """Cut all `candidates` out of `part` and return an example of what is left."""
    region = part.region
    near = [g for g in candidates if _may_meet(g, region)]
    given = set(region.condition)
    usable = sorted(g for g in near if set(g.condition) <= given and _can_cut(g, region))
    cut = set(usable)
    unsure = [_region(g) for g in near if g not in cut]
    try:
        rest, cuts = _cut_at_once(region, [_region(g) for g in usable])
        if len(cuts) > DEPTH_LIMIT:
            return ("undecided", "undecided", False)
        example = _example(rest, cuts, _Budget(SEARCH_LIMIT))
        if example is None:
            return None
        proved = (
            part.exact
            and not region.variables()
            and not any(_holds(other, example) for other in unsure)
            and not any(_region(g).variables() for g in usable)
        )
    except UndecidedError:
        return ("undecided", "undecided", False)
    return (*example, proved)


def _may_meet(grant: Grant, region: _Region) -> bool:
    """Whether the letters that actions begin with leave room for one that both name."""
    if grant.actions.negated:
        return True
    own = stem(Pattern(grant.actions.patterns[0]))
    others = [stem(p) for p in region.actions_in]
    return all(own.startswith(other) or other.startswith(own) for other in others)


def _cut_at_once(region: _Region, cuts: list[_Region]) -> tuple[_Region, list[_Region]]:
    """Cut out together all that reaches every resource of the region; return what is to do yet."""
    out: set[Pattern] = set()
    later: list[_Region] = []
    for cut in cuts:
        actions = cut.actions_in - {_ANY_ACTION}
        plain = len(actions) == 1 and not cut.actions_out and not cut.resources_out
        if plain and all(
            any(contains(wide, narrow) for narrow in region.resources_in)
            for wide in cut.resources_in
        ):
            out |= actions
        else:
            later.append(cut)
    return replace(region, actions_out=region.actions_out | out), later


def _can_cut(grant: Grant, region: _Region) -> bool:
    """All but a variable's value cannot be cut out soundly: the value may match the rest."""
    cut = _region(grant)
    return not cut.resources_out or not (cut.variables() or region.variables())


def _holds(region: _Region, example: tuple[str, str]) -> bool:
    """Tell whether a region may hold the example; variables count as a maybe."""
    if region.variables():
        return True
    action, resource = (frozenset({LiteralPattern(text)}) for text in example)
    point = _Region(action, frozenset(), resource, frozenset())
    return region.within(point).example() is not None


@dataclass
class _Budget:
    """Counts the pieces of one search."""

    left: int

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise UndecidedError("too many policies overlap")


def _example(region: _Region, cuts: list[_Region], budget: _Budget) -> tuple[str, str] | None:
    budget.spend()
    found = region.example()
    if found is None or not any(_holds(cut, found) for cut in cuts):
        return found
    for index, cut in enumerate(cuts):
        if region.within(cut).example() is None:
            continue
        for piece in region.without(cut):
            left = _example(piece, cuts[index + 1 :], budget)
            if left is not None:
                return left
        return None
    return found


def _denies(policies: Policies) -> frozenset[Grant]:
    every = policies.grants | (policies.boundary or frozenset())
    return frozenset(g for g in every if g.effect == "Deny")


def _denied_already(deny: Grant, shields: frozenset[Grant]) -> bool:
    return deny in shields or any(includes(s, deny) for s in shields)


@lru_cache(maxsize=65536)
def _region(grant: Grant) -> _Region:
    actions = frozenset(Pattern(p) for p in grant.actions.patterns)
    resources = frozenset(_pattern(p, literal=grant.literal) for p in grant.resources.patterns)
    none: frozenset[Pattern] = frozenset()
    return _Region(
        frozenset({_ANY_ACTION}) | (none if grant.actions.negated else actions),
        actions if grant.actions.negated else none,
        frozenset({_ANY_RESOURCE}) | (none if grant.resources.negated else resources),
        resources if grant.resources.negated else none,
        grant.condition,
    )


def _pattern(text: str, *, literal: bool) -> Pattern:
    return LiteralPattern(text) if literal and "${" in text else Pattern(text)
