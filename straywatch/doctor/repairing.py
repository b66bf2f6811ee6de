"""Makes what is deployed what the stack's own template says: what CloudFormation would not touch.

An update compares templates, so it leaves alone what somebody has changed by hand. What is here is
put back by calls of its service; what is gone is made anew under its old name, or, where AWS
chooses the name, by CloudFormation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from straywatch.doctor.drift import drifts, refusals
from straywatch.doctor.intended import POLICY, Intended
from straywatch.doctor.kinds.interface import Call, Kind
from straywatch.doctor.kinds.table import KINDS
from straywatch.doctor.reading import read
from straywatch.doctor.world import ApiResponse, Ask, Gone, Unread, World
from straywatch.errors import StraywatchError, WrongUsageError

ALL = "all"


@dataclass(frozen=True, slots=True)
class Repair:
    """What is to be done about one resource; `anew` says that it is gone."""

    resource: Intended
    changes: tuple[str, ...]
    anew: bool
    by_stack: bool

    def __str__(self) -> str:
        return f"{self.resource.logical_id}: {'; '.join(self.changes)}"


Perform = Callable[[Call], None]
"""Makes one call and waits until it is done."""
Remake = Callable[[Sequence[str]], None]
"""Has CloudFormation make resources anew, by their names in the template."""


def plan(world: World, names: Sequence[str]) -> tuple[Repair, ...]:
    """Find out what there is to repair: what is named, and what of that which it needs is gone.

    Raises StraywatchError where that cannot be told, WrongUsageError for a name not in the stack.
    """
    if isinstance(world.template, Unread):
        raise StraywatchError(f"nothing to repair by: {world.template.why}")
    known = {each.logical_id: each for each in world.intended if each.resource_type in KINDS}
    unknown = sorted(set(names) - {*known, ALL})
    if unknown:
        raise WrongUsageError(
            f"the stack has no {', '.join(unknown)} to repair; it has {', '.join(sorted(known))}"
        )
    chosen = [*known] if ALL in names else list(dict.fromkeys(names))
    needed = {name for name in _needed(chosen, known) if _is_gone(world.ask, known[name])}
    order = list(KINDS)
    return tuple(
        repair
        for each in sorted(known.values(), key=lambda each: order.index(each.resource_type))
        if each.logical_id in {*chosen, *needed}
        for repair in _planned(world.ask, each)
    )


def _is_gone(ask: Ask, resource: Intended) -> bool:
    return isinstance(read(ask, KINDS[resource.resource_type], resource), Gone)


def _needed(chosen: Sequence[str], known: Mapping[str, Intended]) -> set[str]:
    """What the chosen refer to, and what that refers to."""
    found: set[str] = set()
    open_ = [*chosen]
    while open_:
        text = json.dumps(known[open_.pop()].properties, default=str)
        new = {
            name
            for name, each in known.items()
            if any(word and f'"{word}"' in text for word in (each.physical_id, each.arn))
        }
        open_ += new - found
        found |= new
    return found - set(chosen)


def _planned(ask: Ask, resource: Intended) -> Iterator[Repair]:
    kind = KINDS[resource.resource_type]
    answers = read(ask, kind, resource)
    if isinstance(answers, Gone):
        if not kind.by_stack and (kind.creates is None or not resource.physical_id):
            raise StraywatchError(
                f"{resource.logical_id} is gone, and AWS makes none anew under its old name: "
                "straywatch doctor says what to do"
            )
        yield Repair(resource, ("it is made anew",), anew=True, by_stack=kind.by_stack)
        return
    refused = refusals(answers)
    if refused and not (_is_shut(refused) and POLICY in kind.properties):
        raise StraywatchError(f"{resource.logical_id}: {refused[0].why}")
    if refused:
        yield Repair(resource, ("its policy is put back unseen",), anew=False, by_stack=False)
        return
    drifted = [] if isinstance(answers, Unread) else list(drifts(kind, resource, answers))
    if drifted:
        by_stack = kind.by_stack and any(each.name in kind.fixed for each in drifted)
        words = tuple(each.differs.words for each in drifted)
        yield Repair(resource, words, anew=False, by_stack=by_stack)


def _is_shut(refused: Sequence[Unread]) -> bool:
    return any(each.action for each in refused)


def repair(world: World, repairs: Sequence[Repair], perform: Perform, remake: Remake) -> None:
    """Do what was planned, in an order in which each finds what it needs."""
    for each in repairs:
        if not each.by_stack:
            _repair(world.ask, each, perform)
    if by_stack := [each.resource.logical_id for each in repairs if each.by_stack]:
        remake(by_stack)


def _repair(ask: Ask, planned: Repair, perform: Perform) -> None:
    resource = planned.resource
    kind = KINDS[resource.resource_type]
    if planned.anew and kind.creates:
        for call in kind.creates(ask, resource):
            perform(call)
    answers = read(ask, kind, resource)
    for call in _calls(kind, resource, answers):
        perform(call)


def _calls(kind: Kind, resource: Intended, answers: ApiResponse) -> Iterator[Call]:
    if isinstance(answers, Gone):  # a thing that is made by being put
        return kind.put(resource, frozenset(kind.properties) & resource.properties.keys(), {})
    if refusals(answers):
        return kind.put(resource, frozenset({POLICY}), {})
    seen: Mapping[str, Any] = answers if isinstance(answers, Mapping) else {}
    names = frozenset(each.name for each in drifts(kind, resource, seen))
    return kind.put(resource, names - kind.fixed, seen)
