"""Reasoned, preferably expiring, permissions to be a stray: read from configuration and tags.

The configuration is one JSON document:

    {"version": 1, "tag_exemptions": true, "exemptions": [
        {"name": "ci-*", "reason": "build robots, OPS-12", "until": "2027-01-31"},
        {"path": "/service/", "reason": "made by services", "owner": "platform"},
        {"user_id": "AIDAEXAMPLE...", "reason": "break glass", "until": "2027-01-31T12:00:00Z"}]}

A name may hold `*` and `?` and compares without regard to case. A path covers itself and what
lies below it. `until` is a time with its offset, or a date, which means the end of that day in
UTC. Tags exempt a user likewise: `straywatch:exempt` holds the reason, `straywatch:exempt-until`
the end.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account import ACCOUNT_ID, UNIT_ID, User, account_of_arn
from chalicelib.domain.pauses import Pause, faults_of, pause_of
from chalicelib.domain.wildcard import matches

TAG = "straywatch:exempt"
TAG_UNTIL = "straywatch:exempt-until"
_KINDS = ("name", "path", "user_id")
_PLACES = ("account", "unit")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_PLACEHOLDERS = frozenset(
    (
        *("", "why", "say why", "why say why", "reason", "a reason", "the reason", "your reason"),
        *("todo", "tbd", "fixme", "xxx", "none", "n a", "placeholder", "because"),
    )
)
"""What stands in the place of a reason in instructions and in forms filled in in haste."""
_USER_ID = re.compile(r"\w{16,128}", re.ASCII)  # IAM API Reference, User: UserId


class InvalidConfigurationError(ValueError):
    """A configuration that is not in force, with every fault and its place."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Parameter:
    """The text of the parameter that holds the configuration, empty where there is none.

    `edition` tells it from all that stood there before.
    """

    text: str
    edition: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One configured exemption; without `until` it has no end."""

    kind: str
    value: str
    reason: str
    until: datetime | None = None
    owner: str = ""
    account: str = ""
    unit: str = ""

    @property
    def by(self) -> str:
        """What exempts, in words for people."""
        account = f" in account {self.account}" if self.account else ""
        unit = f" in unit {self.unit}" if self.unit else ""
        return f"{self.kind.replace('_', ' ')} {self.value}{account}{unit}"

    def covers(self, user: User, units: tuple[str, ...] = ()) -> bool:
        """Whether the rule is about this user, over or not.

        `units` are those of the organization above its account: a rule for a unit is about nobody
        of whom it is not known that he is in it.
        """
        if self.account and self.account != account_of_arn(user.arn).account_id:
            return False
        if self.unit and self.unit not in units:
            return False
        if self.kind == "name":
            return matches(self.value, user.name)
        if self.kind == "path":
            return user.path.startswith(self.value.rstrip("/") + "/")
        return user.user_id == self.value


@dataclass(frozen=True, slots=True)
class Exempt:
    """The user may be a stray: by what, why, and until when (None: no end)."""

    by: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class NotExempt:
    """The user may not be a stray.

    `ended` is the latest end of an exemption that is over (None: there was none): the grace period
    begins there. `note` says why a tag does not exempt, or is empty.
    """

    ended: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exemptions:
    """All exemptions in force; without any configuration, those by tag."""

    rules: tuple[Rule, ...] = ()
    tag_exemptions: bool = True
    pause: Pause | None = None

    def match(self, user: User, now: datetime, units: tuple[str, ...] = ()) -> Exempt | NotExempt:
        """Find what exempts `user`: of several, that without an end, else the one that ends last.

        Among equals the configuration goes before tags, and its rules in their order.
        """
        tag, note = self._by_tag(user)
        found = [rule for rule in self.rules if rule.covers(user, units)] + tag
        if not found:
            return NotExempt(note=note)
        best = max(found, key=_lasting)
        if best.until is None or now < best.until:
            return Exempt(best.by, best.reason, best.until)
        return NotExempt(ended=best.until, note=note)

    def _by_tag(self, user: User) -> tuple[list[Rule], str]:
        tags = {key.casefold(): value for key, value in user.tags.items()}  # as IAM compares them
        if TAG not in tags:
            return [], ""
        if not self.tag_exemptions:
            return [], f"the tag {TAG} is ignored: exemptions by tag are switched off"
        if is_placeholder(tags[TAG]):
            return [], f"the tag {TAG} is ignored: it gives no reason"
        try:
            until = read_end(tags[TAG_UNTIL]) if TAG_UNTIL in tags else None
        except ValueError:
            return [], f"the tag {TAG} is ignored: {TAG_UNTIL} is no date"
        return [Rule("tag", TAG, tags[TAG], until)], ""


def is_placeholder(reason: str) -> bool:
    """Whether it says nothing: `WHY`, `<reason>`, `${WHY:?say why}`, `TODO`, `...`."""
    return " ".join(re.split(r"[\W_]+", reason)).strip().casefold() in _PLACEHOLDERS


def _lasting(rule: Rule) -> tuple[bool, datetime]:
    return rule.until is None, rule.until or datetime.max.replace(tzinfo=UTC)


def read_end(text: str) -> datetime:
    """Read an end: a time with its offset, or a date for the end of that day. Raises ValueError."""
    try:
        if _DATE.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC) + timedelta(days=1)
        end = datetime.fromisoformat(text)
        if end.tzinfo is None:
            raise ValueError("a time needs its offset, such as Z")
        return end.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of the calendar") from error


def parse(text: str, *, was_in_force: bool = False) -> Exemptions:
    """Read the configuration document. Raises InvalidConfigurationError, naming every fault.

    One that `was_in_force` may have placeholders for reasons: earlier versions took them.
    """
    faults: list[str] = []
    try:
        document = json.loads(text, object_pairs_hook=lambda pairs: _once(pairs, faults))
    except (ValueError, RecursionError) as error:
        raise InvalidConfigurationError([f"not JSON: {error}"]) from error
    if not isinstance(document, dict):
        raise InvalidConfigurationError(["not a JSON object"])
    faults += _faults_of(document)
    faults += () if was_in_force else _placeholders_in(document)
    if faults:
        raise InvalidConfigurationError(faults)
    rules = (_rule(entry) for entry in document.get("exemptions", []))
    pause = pause_of(document["pause"]) if "pause" in document else None
    return Exemptions(tuple(rules), document.get("tag_exemptions", True), pause)


def unpaused(text: str) -> str:
    """A document that `parse` takes, or none, without its pause."""
    document = json.loads(text) if text else {}
    if "pause" not in document:
        return text
    return json.dumps({key: value for key, value in document.items() if key != "pause"})


def _once(pairs: list[tuple[str, Any]], faults: list[str]) -> dict[str, Any]:
    """Build an object, noting keys that stand twice: JSON would silently take the last."""
    times = Counter(key for key, _ in pairs)
    twice = sorted(key for key in times if times[key] > 1)
    faults += [f"{_shown(key)}: stands twice in one object" for key in twice]
    return dict(pairs)


def _faults_of(document: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_keys(document, ("version", "tag_exemptions", "exemptions", "pause"), "")
    yield from faults_of(document["pause"]) if "pause" in document else ()
    version = document.get("version")
    if type(version) is not int or version != 1:
        yield "version: must be 1"
    if not isinstance(document.get("tag_exemptions", True), bool):
        yield "tag_exemptions: must be true or false"
    entries = document.get("exemptions", [])
    if not isinstance(entries, list):
        yield "exemptions: must be a list"
        return
    for index, entry in enumerate(entries):
        place = f"exemptions[{index}]"
        if isinstance(entry, dict):
            yield from _faults_of_entry(entry, place)
        else:
            yield f"{place}: must be an object"


def _faults_of_entry(entry: Mapping[str, Any], place: str) -> Iterator[str]:
    yield from _unknown_keys(entry, (*_KINDS, *_PLACES, "reason", "until", "owner"), f"{place}.")
    kinds = [kind for kind in _KINDS if kind in entry]
    if len(kinds) != 1:
        yield f"{place}: needs exactly one of {', '.join(_KINDS)}"
    for key in [*kinds, "reason", *({"owner", *_PLACES} & entry.keys())]:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f"{place}.{key}: must be text, and not empty"
        elif fault := _fault_of_value(key, entry[key]):
            yield f"{place}.{key}: {fault}"
    if "until" in entry:
        try:
            read_end(entry["until"])
        except (TypeError, ValueError):
            yield f"{place}.until: must be a date (2027-01-31) or a time with its offset"


def _placeholders_in(document: Mapping[str, Any]) -> Iterator[str]:
    entries = document.get("exemptions")
    places = [
        (f"exemptions[{n}]", e) for n, e in enumerate(entries if isinstance(entries, list) else ())
    ]
    for place, entry in (*places, ("pause", document.get("pause"))):
        reason = entry.get("reason") if isinstance(entry, dict) else None
        if isinstance(reason, str) and reason.strip() and is_placeholder(reason):
            shown = ascii(reason[:40])
            yield f"{place}.reason: must say why, and {shown} is a placeholder"


def _fault_of_value(key: str, value: str) -> str:
    if key == "path" and not value.startswith("/"):
        return "must begin with /"
    if key == "account" and not ACCOUNT_ID.fullmatch(value):
        return "must be an account id of 12 digits"
    if key == "unit" and not UNIT_ID.fullmatch(value):
        return "must be the id of an organizational unit (ou-...) or of the root (r-...)"
    if key == "user_id" and not _USER_ID.fullmatch(value):
        return "must be a user id (AIDA...), not a name"
    return ""


def _unknown_keys(mapping: Mapping[str, Any], known: tuple[str, ...], place: str) -> Iterator[str]:
    for key in sorted(mapping.keys() - set(known)):
        yield f"{place}{_shown(key)}: unknown; known are {', '.join(known)}"


def _shown(key: str) -> str:
    """A key as it may stand in a message, whatever was written there."""
    return key if key.isidentifier() and key.isascii() else ascii(key)


def _rule(entry: Mapping[str, str]) -> Rule:
    kind = next(kind for kind in _KINDS if kind in entry)
    until = read_end(entry["until"]) if "until" in entry else None
    return Rule(
        kind,
        entry[kind],
        entry["reason"],
        until,
        *(entry.get(key, "") for key in ("owner", *_PLACES)),
    )
