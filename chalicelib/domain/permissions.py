"""What policy documents let a user do, as far as risk needs to know it.

Everything is read to the user's disadvantage: conditions and Deny statements are not weighed,
since they may narrow a permission and never widen it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from chalicelib.domain.escalations import ALONE, PASS_ROLE, WITH_PASS_ROLE, to_administration
from chalicelib.domain.policies import DocumentError, choice, effect_of, statements
from chalicelib.domain.wildcard import matches

EVERYTHING = "every or nearly every action"
_UNHEARD = "zz-unheard:zz-of"  # nobody names this action, only `*` does

_NEEDS = {
    EVERYTHING: "all",
    **ALONE,
    PASS_ROLE: "role",
    **dict.fromkeys(WITH_PASS_ROLE, "any"),
}
_KINDS = frozenset(_NEEDS.values()) - {"any"}
_BY_ARN = re.compile(
    r"arn:[^:]+:iam::aws:policy/(AdministratorAccess|PowerUserAccess|IAMFullAccess)"
)


@dataclass(frozen=True, slots=True)
class Grants:
    """What policy documents allow, and what of them could not be read."""

    anything: bool = False
    powers: frozenset[str] = frozenset()
    denies: bool = False
    faults: frozenset[str] = frozenset()

    def __or__(self, other: Grants) -> Grants:
        """Both together."""
        return Grants(
            self.anything or other.anything,
            self.powers | other.powers,
            self.denies or other.denies,
            self.faults | other.faults,
        )

    @property
    def administrator(self) -> str:
        """How these make their holder an administrator; empty if they do not."""
        if EVERYTHING in self.powers:
            return EVERYTHING
        ways = to_administration(self.powers.__contains__)
        alone = [way for way in ways if way in ALONE]
        more = f" and {len(alone) - 1} more" if len(alone) > 1 else ""
        return ways[0] + more if ways else ""


def of_aws_policy(arn: str) -> Grants | None:
    """What one of AWS's own policies allows, by its name; None for a customer's policy.

    Those that make an administrator are AdministratorAccess, PowerUserAccess and IAMFullAccess.
    """
    if known := _BY_ARN.fullmatch(arn):
        powers = ALONE.keys() if known[1] == "IAMFullAccess" else {EVERYTHING}
        return Grants(anything=True, powers=frozenset(powers))
    return Grants(anything=True) if ":iam::aws:policy/" in arn else None


def of_document(document: object, own_arn: str) -> Grants:
    """What one policy document allows the user `own_arn`. Never raises: see `Grants.faults`."""
    try:
        found = statements(document)
    except DocumentError as error:
        return Grants(faults=frozenset({str(error)}))
    grants = Grants()
    for statement in found:
        try:
            grants |= _of_statement(statement, own_arn)
        except DocumentError as error:
            grants |= Grants(faults=frozenset({str(error)}))
    return grants


def covers(pattern: str, power: str) -> bool:
    """Tell whether an action's pattern names `power`: an action, or EVERYTHING."""
    return matches(pattern, _UNHEARD if power == EVERYTHING else power)


def everywhere(pattern: str, arn: str) -> bool:
    """Tell whether a pattern covers every resource in the partition of `arn`, as `arn:aws:*`."""
    partition = ":".join(arn.split(":")[:2])
    return matches(pattern, f"{partition}:zz-unheard:zz:zz:zz/zz")


def _of_statement(statement: Any, own_arn: str) -> Grants:  # noqa: ANN401 - whatever is stored
    denies = effect_of(statement) == "Deny"
    actions = _selected(statement, "Action", frozenset(_NEEDS), _powers_named)
    kinds = _selected(statement, "Resource", _KINDS, partial(_kinds_covered, own_arn)) | {"any"}
    if denies:
        return Grants(denies=True)
    anything = bool(statement.get("Action") or "NotAction" in statement)
    return Grants(anything, frozenset(power for power in actions if _NEEDS[power] in kinds))


def _selected(
    statement: Mapping[Any, Any],
    key: str,
    universe: frozenset[str],
    named_by: Callable[[str], frozenset[str]],
) -> frozenset[str]:
    """Which of `universe` the statement selects by `key`, or spares by its `Not...` form."""
    texts, spares = choice(statement, key)
    named = frozenset[str]().union(*map(named_by, texts))
    return universe - named if spares else named


@lru_cache(maxsize=4096)
def _powers_named(pattern: str) -> frozenset[str]:
    return frozenset(power for power in _NEEDS if covers(pattern, power))


def _kinds_covered(own_arn: str, pattern: str) -> frozenset[str]:
    """Which kinds of resource a pattern covers whole: it fits one that nobody has heard of."""
    root, _, path = own_arn.partition(":user/")
    covered = _kinds_covered_whole(root, pattern)
    mine = pattern.replace("${aws:username}", path.rpartition("/")[2])
    return covered | {"self"} if matches(mine, own_arn) else covered


@lru_cache(maxsize=4096)
def _kinds_covered_whole(root: str, pattern: str) -> frozenset[str]:
    return frozenset(
        kind
        for kind in _KINDS
        if (everywhere(pattern, root) if kind == "all" else matches(pattern, f"{root}:{kind}/zz"))
    )
