"""Edits an exemptions document, and says what in it is hardly meant."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType

from chalicelib.codec import encode
from chalicelib.domain.exemptions import Exemptions, InvalidConfigurationError, Rule, parse
from chalicelib.domain.pauses import Pause
from chalicelib.times import in_utc
from straywatch.errors import WrongUsageError
from straywatch.text import one_line

EMPTY = '{"version": 1, "exemptions": []}'
# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
LONGEST = 8192


def checked(
    text: str, name: str, now: datetime, *, everybody: bool
) -> tuple[Exemptions, list[str]]:
    """Read a document that may be put in force, and what is to be said of it.

    Raises WrongUsageError, which calls it `name`, where the monitor would refuse it, Parameter
    Store would, or it exempts everybody though not `everybody` are meant.
    """
    try:
        exemptions = parse(text)
    except InvalidConfigurationError as error:
        raise WrongUsageError(f"{name}: {one_line(error)}") from error
    size = len(text.encode())
    if size > LONGEST:
        raise WrongUsageError(
            f"{name} has {size} bytes; Parameter Store takes {LONGEST}: use patterns or "
            "paths in the place of single users, or tags"
        )
    wide = [rule.by for rule in exemptions.rules if covers_everybody(rule)]
    if wide and not everybody:
        raise WrongUsageError(
            f"{name}: {wide[0]} exempts everybody, so that nothing is ever found: narrow it, or "
            "add --everybody if that is what you want"
        )
    return exemptions, [*(f"{by} exempts everybody" for by in wide), *_ended(exemptions, now)]


def covers_everybody(rule: Rule) -> bool:
    """Whether no user escapes the rule, whatever the name or path."""
    if rule.kind == "path":
        return not rule.value.strip("/")
    return rule.kind == "name" and "*" in rule.value and not rule.value.strip("*?")


def added(text: str, entry: Mapping[str, str]) -> str:
    """The document with an entry, in the place of one for the same users. Raises ValueError."""
    document = json.loads(text)
    kept = [each for each in document.get("exemptions", []) if _users(each) != _users(entry)]
    return _written(document | {"exemptions": [*kept, dict(entry)]})


def removed(
    text: str, kind: str, value: str, place: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The document without the entry for these users. Raises WrongUsageError if it has none.

    `place` is the `account` or the `unit` that the entry is for, if it is for one alone.
    """
    document = json.loads(text)
    entries = document.get("exemptions", [])
    kept = [each for each in entries if _users(each) != {kind: value, **place}]
    if len(kept) == len(entries):
        said = kind.replace("_", " ")
        where = "".join(f" in {key} {one_line(name)}" for key, name in place.items())
        raise WrongUsageError(
            f"no exemption is for {said} {value!r}{where}: `straywatch exemptions list` shows all"
        )
    return _written(document | {"exemptions": kept})


def with_pause(text: str, pause: Pause | None) -> str:
    """The document with this pause in the place of another, or with none.

    Raises WrongUsageError where the monitor refuses the document: that is to be fixed first.
    """
    _good(text)
    document = json.loads(text)
    document.pop("pause", None)
    return _written(document | ({"pause": encode(pause)} if pause else {}))


def pause_in(text: str, now: datetime) -> Pause | None:
    """The pause of a document that the monitor takes, if it is in force."""
    pause = _good(text).pause
    return pause if pause and pause.is_in_force(now) else None


def _good(text: str) -> Exemptions:
    try:
        return parse(text, was_in_force=True)
    except InvalidConfigurationError as error:
        raise WrongUsageError(f"the monitor refuses its document: {one_line(error)}") from error


def has_ended(rule: Rule, now: datetime) -> bool:
    """Whether the rule exempts nobody any more."""
    return rule.until is not None and rule.until <= now


def _ended(exemptions: Exemptions, now: datetime) -> Iterator[str]:
    for rule in exemptions.rules:
        if rule.until is not None and has_ended(rule, now):
            yield f"{rule.by} ended at {in_utc(rule.until)}, and exempts nobody"


def _users(entry: Mapping[str, str]) -> dict[str, str]:
    """Whom an entry is for, and where."""
    keys = ("name", "path", "user_id", "account", "unit")
    return {key: entry[key] for key in keys if key in entry}


def _written(document: Mapping[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
