"""What the members of groups did, as CloudTrail recorded it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account import User
from chalicelib.times import iso, parse_time
from straywatch.errors import StraywatchError
from straywatch.remediation.tightening.event_actions import (
    WITHOUT_PERMISSION,
    action_of,
    service_of,
)

Call = tuple[str, str]
"""An event's source and name."""

_DENIED = ("accessdenied", "unauthorized", "notauthorized", "forbidden")
"""In the error codes of calls that IAM refused; spellings vary from service to service."""


@dataclass
class CallLog:
    """Counts the calls of each user in the `days` before `now`. A call's id counts once."""

    now: datetime
    days: int
    calls: dict[str, Counter[Call]] = field(default_factory=dict)
    records: int = 0
    denied: int = 0
    first: str = ""
    last: str = ""
    regions: set[str] = field(default_factory=set)
    _seen: set[str] = field(default_factory=set)

    def take(self, record: Mapping[str, Any]) -> None:
        """Count one record. Raises StraywatchError if it lacks what every record has."""
        try:
            at = parse_time(record["eventTime"])
            call = (str(record["eventSource"]), str(record["eventName"]))
        except (KeyError, TypeError, ValueError) as error:
            raise StraywatchError(f"a record without a proper time or name: {error}") from error
        if not self.now - timedelta(days=self.days) <= at <= self.now:
            return
        self._note(at, record)
        identity = record.get("userIdentity")
        if not isinstance(identity, Mapping) or identity.get("type") != "IAMUser":
            return
        if self._is_repeated(record):
            return
        if any(word in str(record.get("errorCode", "")).lower() for word in _DENIED):
            self.denied += 1
            return
        bearer = str(identity.get("principalId") or identity.get("arn") or "")
        self.calls.setdefault(bearer, Counter())[call] += 1

    def of(self, members: Iterable[User]) -> Counter[Call]:
        """What these users did under their own names, found by their ids."""
        found: Counter[Call] = Counter()
        for member in members:
            for bearer in (member.user_id, member.arn):
                found.update(self.calls.get(bearer, Counter()))
        return found

    def summary(self) -> dict[str, object]:
        """What was read: how many records, from when to when, of which regions."""
        told = {"records": self.records, "denied": self.denied, "first": self.first}
        return {**told, "last": self.last, "regions": sorted(self.regions)}

    def _note(self, at: datetime, record: Mapping[str, Any]) -> None:
        self.records += 1
        text = iso(at)
        self.first = min(self.first or text, text)
        self.last = max(self.last, text)
        self.regions.add(str(record.get("awsRegion", "unknown")))

    def _is_repeated(self, record: Mapping[str, Any]) -> bool:
        name = str(record.get("eventID") or "")
        repeated = bool(name) and name in self._seen
        self._seen.add(name)
        return repeated


@dataclass(frozen=True)
class Evidence:
    """What is known of the use of a group's permissions; actions and services in lower case.

    `tracked` are those that IAM itself tells the last use of, `silent` the services that IAM says
    no member used. An unmapped call keeps its service whole.
    """

    used: Mapping[str, int]
    seen: frozenset[str]
    unmapped: Mapping[str, int] = field(default_factory=dict)
    tracked: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()

    @property
    def calls(self) -> int:
        """How many calls of the members were counted."""
        return sum(self.used.values()) + sum(self.unmapped.values())

    def whole(self) -> frozenset[str]:
        """Services with calls whose action is not known."""
        return frozenset(service_of(call.partition(" ")[0]) for call in self.unmapped)


def evidence_of(
    calls: Mapping[Call, int],
    tracked: Mapping[str, bool] | None = None,
    silent: Iterable[str] = (),
) -> Evidence:
    """Sort calls by action. `tracked` tells of actions whether IAM says that they were used."""
    used: Counter[str] = Counter()
    unmapped: Counter[str] = Counter()
    for (source, name), times in calls.items():
        action = action_of(source, name)
        if not action:
            unmapped[f"{source} {name}"] += times
        elif action not in WITHOUT_PERMISSION:
            used[action] += times
    seen = frozenset(action.partition(":")[0] for action in used)
    for action, was_used in (tracked or {}).items():
        if was_used:
            used.setdefault(action, 0)
    found = seen | frozenset(action.partition(":")[0] for action in used)
    quiet = frozenset(silent) - found - frozenset(service_of(c.partition(" ")[0]) for c in unmapped)
    return Evidence(dict(used), seen, dict(unmapped), frozenset(tracked or {}), quiet)
