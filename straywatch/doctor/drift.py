"""What is deployed, held against the stack's own template: resource by resource, all of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jmespath

from straywatch.doctor.comparing import Difference, differences
from straywatch.doctor.denials import denial
from straywatch.doctor.intended import Intended, Unknown
from straywatch.doctor.kinds.interface import UNSAID, Kind, Property
from straywatch.doctor.kinds.table import KINDS
from straywatch.doctor.lines import Level, Line, failed, passed, untold
from straywatch.doctor.reading import read
from straywatch.doctor.world import Gone, Unread, World


@dataclass(frozen=True, slots=True)
class Drift:
    """A property that is not as it should be; `name` is its own, `differs` says how."""

    name: str
    differs: Difference
    minor: bool


def drifting(world: World, area: str) -> Iterator[Line]:
    """Judge every resource of the stack that belongs to a part of the check-up."""
    order = list(KINDS)
    mine = [
        each
        for each in world.intended
        if each.resource_type in KINDS and KINDS[each.resource_type].area == area
    ]
    for resource in sorted(mine, key=lambda each: order.index(each.resource_type)):
        yield from _judged(world, KINDS[resource.resource_type], resource)


def unjudged(world: World) -> Iterator[Line]:
    """Name what the doctor does not know how to look at."""
    for resource in world.intended:
        if resource.resource_type not in KINDS:
            seen = f"the doctor does not know how to read an {resource.resource_type}"
            yield untold(resource.logical_id, seen)


def _judged(world: World, kind: Kind, resource: Intended) -> Iterator[Line]:
    check = f"{kind.word} {resource.logical_id}"
    answers = read(world.ask, kind, resource)
    if isinstance(answers, Gone):
        yield _gone(world, check, kind, resource)
        return
    denied = refusals(answers)
    for each in denied:
        yield denial(world, check, resource, each)
    drifted = [] if isinstance(answers, Unread) else list(drifts(kind, resource, answers))
    for drift in drifted:
        yield _line(world, check, kind, resource, drift)
    for name, value in resource.properties.items():
        if name in kind.properties and (unknown := _unknown(value)):
            yield untold(f"{check}: {name}", unknown.why)
    if not drifted and not denied:
        yield passed(check, "as the stack's template has it")


def refusals(answers: Mapping[str, Any] | Unread) -> list[Unread]:
    """The looks that failed."""
    if isinstance(answers, Unread):
        return [answers]
    return [each for each in answers.values() if isinstance(each, Unread)]


def drifts(kind: Kind, resource: Intended, answers: Mapping[str, Any]) -> Iterator[Drift]:
    """Compare each property that the template or AWS's own default says, as far as it was read."""
    for name, known in kind.properties.items():
        wanted = resource.properties.get(name, known.default)
        look = known.at.partition(".")[0].partition("[")[0]
        if wanted is UNSAID or _unknown(wanted) or isinstance(answers.get(look), Unread):
            continue
        seen = known.form(jmespath.search(known.at, answers))
        choices = [known.form(each) for each in _choices(resource, name, known)]
        if seen not in choices:
            says = "says" if name in resource.properties else "leaves it at"
            for each in differences(name, choices[0], seen, says):
                yield Drift(name, each, known.minor or _harmless(each, known))


def _choices(resource: Intended, name: str, known: Property) -> tuple[object, ...]:
    """What will do: what the template says, or any of the defaults."""
    if name in resource.properties:
        said = resource.properties[name]
        # a state has several words for on; which of them the template uses is all the same
        same = name == "State" and said in _listed(known.default)
        return (said, *_listed(known.default)) if same else (said,)
    return _listed(known.default)


def _listed(default: object) -> tuple[object, ...]:
    return default if isinstance(default, tuple) else (default,)


def _harmless(difference: Difference, known: Property) -> bool:
    return known.may_grow and difference.further and not difference.denies


def _unknown(value: object) -> Unknown | None:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        return next(filter(None, map(_unknown, value)), None)
    return value if isinstance(value, Unknown) else None


def _line(world: World, check: str, kind: Kind, resource: Intended, drift: Drift) -> Line:
    level = Level.WARN if drift.minor else Level.FAIL
    if drift.name in kind.fixed and not kind.by_stack:
        advice = "AWS changes this on no resource that exists: " + _ASIDE
        return Line(level, check, drift.differs.words, advice=advice)
    return Line(level, check, drift.differs.words, world.repair(resource.logical_id))


def _gone(world: World, check: str, kind: Kind, resource: Intended) -> Line:
    if not resource.physical_id:
        seen = "it was deleted, or never made"
        return failed(check, seen, world.invocation.straywatch("deploy"))
    seen = f"{resource.physical_id} was deleted{kind.lost}"
    if kind.creates is None and not kind.by_stack:
        return failed(check, seen, advice=_ASIDE)
    return failed(check, seen, world.repair(resource.logical_id))


_ASIDE = (
    "deploy a second monitor beside this one with another --stage, let it take over, and then "
    "remove this one"
)
