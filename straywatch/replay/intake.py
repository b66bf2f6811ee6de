"""From records to events, each once, with an account of everything that was left out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.events import Ignored, MalformedEventError, MembershipEvent, parse_record
from straywatch.replay.documents import Broken, Foreign, Malformed, Piece
from straywatch.replay.group_renames import GroupRename, parse_group_rename

MOST_PROBLEMS = 20
"""Problems told one by one; the rest are counted."""

_ISO_LENGTH = len("2026-11-23T03:00:00Z")


class EventStore(Protocol):
    """Takes events and keeps each key once."""

    def add(self, key: bytes, event: MembershipEvent | GroupRename) -> bool:
        """Keep the event; return whether the key was new."""


@dataclass
class Tally:
    """What was read and what was left out. `spans` holds each account's first and last instant."""

    sources: int = 0
    records: int = 0
    events: int = 0
    duplicates: int = 0
    failed_calls: int = 0
    others: int = 0
    malformed: int = 0
    refused: int = 0
    """Of the malformed ones those that may be records of what a replay is about."""
    broken: int = 0
    problems: list[str] = field(default_factory=list)
    spans: dict[str, tuple[str, str]] = field(default_factory=dict)

    def problem(self, text: str) -> None:
        """Note what could not be read, as long as there are few of its kind."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(text)

    def unreadable(self, source: str, reason: str) -> None:
        """Note that a source could not be read, or not to its end."""
        self.broken += 1
        self.problem(f"{source}: {reason}")


@dataclass(frozen=True)
class Intake:
    """Takes records from one source after the other. `now` bounds the times of events."""

    store: EventStore
    now: datetime
    tally: Tally = field(default_factory=Tally)

    def take(self, source: str, found: Iterable[Piece]) -> None:
        """Take all there is in one source. What cannot be read is counted, never raised."""
        self.tally.sources += 1
        malformed: Counter[str] = Counter()
        try:
            for piece in found:
                if isinstance(piece, Broken):
                    self.tally.unreadable(source, piece.reason)
                elif isinstance(piece, Malformed):
                    malformed[piece.reason] += 1
                    self.tally.refused += piece.matters
                elif isinstance(piece, Foreign):
                    self.tally.records += 1
                    self.tally.others += 1
                else:
                    self._take_record(piece, malformed)
        except OSError as error:
            self.tally.unreadable(source, error.strerror or str(error))
        self.tally.malformed += malformed.total()
        for reason, times in malformed.items():
            self.tally.problem(f"{source}: {reason}" + (f" ({times} times)" if times > 1 else ""))

    def _take_record(self, record: Mapping[str, Any], malformed: Counter[str]) -> None:
        self.tally.records += 1
        self._note_span(record)
        try:
            event: MembershipEvent | GroupRename | Ignored = parse_record(record, self.now)
            if isinstance(event, Ignored):
                event = parse_group_rename(record, self.now)
        except MalformedEventError as error:
            self.tally.refused += 1
            if len(malformed) < MOST_PROBLEMS or str(error) in malformed:
                malformed[str(error)] += 1
            else:
                malformed["other malformed records"] += 1
            return
        if isinstance(event, Ignored):
            failed = record.get("eventSource") == "iam.amazonaws.com" and "errorCode" in record
            self.tally.failed_calls += failed
            self.tally.others += not failed
        elif self.store.add(_key(record), event):
            self.tally.events += 1
        else:
            self.tally.duplicates += 1

    def _note_span(self, record: Mapping[str, Any]) -> None:
        account, at = record.get("recipientAccountId"), record.get("eventTime")
        if isinstance(account, str) and isinstance(at, str) and len(at) == _ISO_LENGTH:
            first, last = self.tally.spans.get(account, (at, at))
            if at < first or at > last or account not in self.tally.spans:
                self.tally.spans[account] = (min(first, at), max(last, at))


_NAMING = ("eventID", "eventName", "eventTime", "recipientAccountId", "requestParameters")


def _key(record: Mapping[str, Any]) -> bytes:
    """What names the call: its id, with what was called, for whom and when.

    Old and anonymised records lack the id or share one; all that tells them apart is then the rest.
    """
    if isinstance(record.get("eventID"), str) and record["eventID"]:
        record = {field: record.get(field) for field in _NAMING}
    named = repr(sorted(record.items()))
    return hashlib.blake2b(named.encode("utf-8", "replace"), digest_size=16).digest()
