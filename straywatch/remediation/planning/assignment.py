"""Give each member the fewest groups that cover their needs, within IAM's quotas; on bit sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.account import User
from straywatch.remediation.planning.dominance import bits
from straywatch.remediation.planning.mining import Fits
from straywatch.remediation.planning.universe import Universe


@dataclass(frozen=True)
class Member:
    """A user in scope, their permissions as bits."""

    user: User
    needs: int
    """What their direct policies give that their groups do not."""
    allowed: int
    """What they have in effect, so that getting it again is no gain."""
    room: int
    """Groups they may still join."""
    joined: tuple[str, ...] = ()
    """Groups that exist and that they shall join."""
    extra: int = 0
    """The single grants that those groups give them beyond what they have."""


Choice = tuple[int, ...]
"""The new groups of one member, each as the permissions that it holds."""


def choose(members: Sequence[Member], groups: Sequence[int]) -> list[Choice]:
    """Give each member the groups that cover most of their needs, as long as there is room."""
    known: dict[tuple[int, int, int], Choice] = {}
    choices = []
    for member in members:
        key = (member.needs, member.allowed, member.room)
        if key not in known:
            known[key] = _choose(member, groups)
        choices.append(known[key])
    return choices


def _choose(member: Member, groups: Sequence[int]) -> Choice:
    fitting = [group for group in groups if not group & ~member.allowed]
    needs = member.needs
    chosen: list[int] = []
    while needs and len(chosen) < member.room:
        best = max(fitting, key=lambda g: (g & needs).bit_count(), default=0)
        if not best & needs:
            break
        chosen.append(best)
        needs &= ~best
    for group in sorted(chosen, key=lambda g: (g & member.needs).bit_count()):
        rest = 0
        for other in chosen:
            rest |= other if other != group else 0
        if not group & member.needs & ~needs & ~rest:
            chosen.remove(group)
    return tuple(sorted(chosen))


def trim(members: Sequence[Member], choices: Sequence[Choice]) -> list[Choice]:
    """Take out of each group what none of its members needs."""
    needed: dict[int, int] = {}
    for member, chosen in zip(members, choices, strict=True):
        for group in chosen:
            needed[group] = needed.get(group, 0) | group & member.needs
    return [tuple(sorted({needed[group] for group in chosen})) for chosen in choices]


def merge(
    members: Sequence[Member], choices: Sequence[Choice], limit: int, universe: Universe, fits: Fits
) -> list[Choice]:
    """Join groups into one wherever no member gains more than `limit` actions by it.

    Never gives anybody what nobody may gain: a way to become an administrator, or a policy that
    denies, which takes away.
    """
    merged = [set(chosen) for chosen in choices]
    order = sorted({group for chosen in choices for group in chosen})
    for index, group in enumerate(order):
        for other in order[index + 1 :]:
            both = group | other
            hit = [n for n, chosen in enumerate(merged) if group in chosen or other in chosen]
            if (
                hit
                and fits(both)
                and all(
                    _gain_within(members[n], (merged[n] - {group, other}) | {both}, limit, universe)
                    for n in hit
                )
            ):
                for n in hit:
                    merged[n] = (merged[n] - {group, other}) | {both}
                group = both  # noqa: PLW2901 - what follows may join the larger group
    return [tuple(sorted(chosen)) for chosen in merged]


def _gain_within(member: Member, chosen: set[int], limit: int, universe: Universe) -> bool:
    gained = member.extra
    for group in chosen:
        gained |= universe.gained(group, member.allowed)
    return universe.weight(gained).within(limit)


def most_useful(choices: Sequence[Choice], room: int) -> list[Choice]:
    """Keep the `room` groups with the most members; members of the others do without."""
    counts = Counter(group for chosen in choices for group in chosen)
    kept = set(sorted(counts, key=lambda g: (-counts[g], g))[: max(room, 0)])
    return [tuple(group for group in chosen if group in kept) for chosen in choices]


def contents(choices: Sequence[Choice]) -> list[int]:
    """All groups in use, in an order that depends on what they hold."""
    return sorted({group for chosen in choices for group in chosen}, key=lambda g: list(bits(g)))
