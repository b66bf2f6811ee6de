"""Propose for a group the documents that its members' calls need, and replay those calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.policies import DocumentError, listed
from straywatch.errors import StraywatchError
from straywatch.remediation.policies.algebra import includes
from straywatch.remediation.policies.documents import Grant, Patterns, grants, size
from straywatch.remediation.policies.gains import at_level, expanded, spelled
from straywatch.remediation.reading.last_accessed import ServiceUse
from straywatch.remediation.reading.snapshot import Group, Snapshot
from straywatch.remediation.tightening.event_actions import brought_along, is_visible
from straywatch.remediation.tightening.lint import policies_of
from straywatch.remediation.tightening.use import CallLog, Evidence, evidence_of

MARGINS: Mapping[str, tuple[str, ...]] = {"none": (), "lists": ("List",), "reads": ("List", "Read")}
"""What stays of the services in use besides what was used, by AWS's access levels."""


@dataclass(frozen=True)
class ActionProposal:
    """A document for a policy, what it leaves out, and what the calls replayed against it came to.

    `unseen` are actions that stay because no trail of management events shows their use.
    """

    policy: str
    without: tuple[str, ...]
    unseen: tuple[str, ...]
    characters: int
    replayed: int
    would_be_denied: tuple[str, ...]
    document: Mapping[str, Any]


@dataclass(frozen=True)
class ActionReview:
    """What the log tells of one group. `unmapped` are calls whose action is not known."""

    group: str
    calls: int
    unmapped: tuple[str, ...]
    proposals: tuple[ActionProposal, ...]
    notes: tuple[str, ...] = ()


def review_actions(
    group: Group, snapshot: Snapshot, log: CallLog, uses: tuple[ServiceUse, ...], margin: str
) -> ActionReview:
    """Propose by what the group's members did in the log, and by what IAM tells of their use."""
    members = [user for user in snapshot.users if group.name in (user.groups or ())]
    tracked = {a: used for use in uses for a, used in use.tracked(log.days, log.now).items()}
    silent = [use.service.lower() for use in uses if use.unused_for(log.days, log.now)]
    evidence = evidence_of(log.of(members), tracked, silent)
    if not members:
        return ActionReview(group.name, 0, (), (), ("no member: nothing is proposed",))
    notes = [] if evidence.calls else ["the log has no call of its members"]
    proposals = []
    for name, document in policies_of(group, snapshot).items():
        try:
            found = propose(name, document or {}, evidence, margin)
        except DocumentError as error:
            notes.append(f"{name} stays as it is: {error}")
            continue
        proposals += [found] if found.without else []
    unmapped = tuple(sorted(evidence.unmapped))
    return ActionReview(group.name, evidence.calls, unmapped, tuple(proposals), tuple(notes))


def propose(
    policy: str, document: Mapping[str, Any], evidence: Evidence, margin: str
) -> ActionProposal:
    """The document without the actions that were surely not used, and are in no margin.

    An action goes only where its use would have been seen: by IAM, which tracks it, or in a trail
    that shows the members using its service. Statements that deny, or that name what they leave
    out, stay. Raises DocumentError for a document that is none, and StraywatchError if the proposal
    would grant anything new, or deny a call that was made.
    """
    held = grants(document)
    kept = _Kept(evidence, MARGINS[margin])
    before = listed(document["Statement"])
    after = [s for statement in before for s in _narrow(statement, kept.stays)]
    narrow = {**document, "Statement": after}
    left = grants(narrow)
    if not all(any(includes(wide, grant) for wide in held) for grant in left):
        raise StraywatchError(f"no tighter {policy} could be proved to grant nothing new")
    refused = denied(evidence, held, left)
    if refused:
        raise StraywatchError(f"a tighter {policy} would have denied {refused[0]}")
    named = _named(held)
    gone = sorted(action for action in named if not kept.stays(action))
    unseen = sorted(a for a in named - set(evidence.used) if kept.stays(a) and not is_visible(a))
    replayed = sum(times for a, times in evidence.used.items() if a in named)
    shown = (tuple(map(spelled, gone)), tuple(map(spelled, unseen)))
    return ActionProposal(policy, *shown, size(narrow), replayed, refused, narrow)


def denied(evidence: Evidence, held: frozenset[Grant], left: frozenset[Grant]) -> tuple[str, ...]:
    """The actions that were used, and that `left` grants on less than `held` did."""
    found = []
    for action in sorted(evidence.used):
        needs = {
            grant._replace(actions=Patterns((action,))) for grant in held if _allows(grant, action)
        }
        gives = {g._replace(actions=Patterns((action,))) for g in left if _allows(g, action)}
        if not all(any(includes(wide, need) for wide in gives) for need in needs):
            found.append(spelled(action))
    return tuple(found)


def _allows(grant: Grant, action: str) -> bool:
    named = any(action in expanded(pattern) for pattern in grant.actions.patterns)
    return grant.effect == "Allow" and named != grant.actions.negated


def _named(held: frozenset[Grant]) -> set[str]:
    plain = (g.actions for g in held if g.effect == "Allow" and not g.actions.negated)
    return set[str]().union(*(expanded(actions.patterns[0]) for actions in plain))


class _Kept:
    """Decides of each action whether it stays."""

    def __init__(self, evidence: Evidence, levels: tuple[str, ...]) -> None:
        self._evidence = evidence
        self._margin = set[str]().union(*map(at_level, levels))
        self._along = set[str]().union(*map(brought_along, evidence.used))
        self._whole = evidence.whole()

    def stays(self, action: str) -> bool:
        known, service = self._evidence, action.partition(":")[0]
        if service in known.silent:
            return action in self._along
        if service in self._whole or action in known.used or action in self._along:
            return True
        if service in known.seen and action in self._margin:
            return True
        return action not in known.tracked and not (service in known.seen and is_visible(action))


def _narrow(statement: Mapping[str, Any], stays: Callable[[str], bool]) -> list[Mapping[str, Any]]:
    """The statement with what stays: itself if all does, nothing if nothing does."""
    if statement.get("Effect") != "Allow" or "Action" not in statement:
        return [statement]
    before = listed(statement["Action"])
    after = list(dict.fromkeys(text for name in before for text in _written(name, stays)))
    if after == before:
        return [statement]
    return [{**statement, "Action": after}] if after else []


def _written(name: str, stays: Callable[[str], bool]) -> list[str]:
    """A name as it was where all that it matches stays, else what of it stays, service by service.

    A service that stays whole is written `service:*` where the name matched all of it.
    """
    actions = expanded(name.lower())
    kept = {action for action in actions if stays(action)}
    if kept == actions:
        return [name]
    found = []
    for service in sorted({action.partition(":")[0] for action in kept}):
        every = expanded(f"{service}:*")
        mine = {action for action in kept if action.startswith(f"{service}:")}
        found += [f"{service}:*"] if mine == every else sorted(map(spelled, mine))
    return found
