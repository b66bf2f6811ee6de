"""Where what is deployed differs from what should be, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from straywatch.doctor.forms import Value, written

_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference. `further` says that all that should be is there, and more besides."""

    words: str
    further: bool = False
    denies: bool = False


def differences(name: str, wanted: Value, seen: Value, says: str = "says") -> Iterator[Difference]:
    """Compare two values of the same form, part by part; lists as sets.

    `says` is what the template does with the value: it says it, or it leaves it at that.
    """
    if wanted == seen:
        return
    if isinstance(wanted, Mapping) and isinstance(seen, Mapping):
        for key in sorted({*wanted, *seen}):
            yield from differences(f"{name}.{key}", wanted.get(key), seen.get(key), says)
    elif isinstance(wanted, list) or isinstance(seen, list):
        yield from _members(name, wanted or [], seen or [], says)
    elif wanted is None:
        yield Difference(f"{name} is {_short(seen)}; the template sets none")
    else:
        yield Difference(f"{name} is {_short(seen)}; the template {says} {_short(wanted)}")


def _members(name: str, wanted: list[Value], seen: list[Value], says: str) -> Iterator[Difference]:
    missing = [each for each in wanted if each not in seen]
    further = [each for each in seen if each not in wanted]
    if len(missing) == len(further) == 1 and not _is_statement(missing[0]):
        yield from differences(name, missing[0], further[0], says)
        return
    for each in missing:
        yield Difference(f"{name} lacks {_short(each)}")
    for each in further:
        denies = _is_statement(each) and each["Effect"] == "Deny"
        what = "a statement that denies" if denies else "what the template does not:"
        yield Difference(f"{name} has {what} {_short(each)}", further=True, denies=denies)


def _is_statement(value: Value) -> bool:
    return isinstance(value, Mapping) and "Effect" in value


def _short(value: Value) -> str:
    if value is None:
        return "not set"
    if _is_statement(value):
        value = {key: each for key, each in value.items() if key != "Effect" or each != "Deny"}
    text = written(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
