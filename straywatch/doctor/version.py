"""Whether the stack's template and code are those of this version: the difference that deploys."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor.lines import Line, passed, unread, warned
from straywatch.doctor.world import Unread, World

_ARCHIVE = re.compile(r"/([0-9a-f]{64})\.zip$")
_SHOWN = 5


def version(world: World) -> Iterator[Line]:
    """Hold the stack's template against this version's; what is deployed is held against it."""
    check = "version"
    for known in (world.template, world.checkout):
        if isinstance(known, Unread):
            yield unread(check, known.why)
            return
    if isinstance(world.template, Unread) or isinstance(world.checkout, Unread):
        return
    other = [name for name, _ in _differing(world.template, world.checkout.template)]
    if world.checkout.code_sha256 not in _codes(world.template):
        other = ["the code", *other]
    if not other:
        yield passed(check, "the stack's template and code are those of this version")
        return
    named = ", ".join(other[:_SHOWN]) + (f" and {len(other) - _SHOWN} more" * (len(other) > _SHOWN))
    seen = f"the stack was deployed by another version than this one; other: {named}"
    yield warned(check, seen, world.invocation.straywatch("deploy"))


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[object, object]]]:
    """The members of the templates that are not alike, wherever the code lies."""
    for section in ("Parameters", "Conditions", "Globals", "Resources", "Outputs"):
        ours, theirs = one.get(section, {}), other.get(section, {})
        for name in sorted({*ours, *theirs}):
            pair = _uncoded(ours.get(name)), _uncoded(theirs.get(name))
            if pair[0] != pair[1]:
                yield name, pair


def _uncoded(member: Any) -> object:  # noqa: ANN401 - any JSON
    if isinstance(member, Mapping) and isinstance(member.get("Properties"), Mapping):
        properties = {k: v for k, v in member["Properties"].items() if k != "CodeUri"}
        return {**member, "Properties": properties}
    return member


def _codes(template: Mapping[str, Any]) -> set[str]:
    """The hashes of the code that the template names, as Lambda tells them."""
    uris = (
        str(each.get("Properties", {}).get("CodeUri", ""))
        for each in template["Resources"].values()
    )
    found = (match for uri in uris if (match := _ARCHIVE.search(uri)))
    return {b64encode(bytes.fromhex(match[1])).decode() for match in found}
