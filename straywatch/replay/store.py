"""Events in order and the stretches they make, on disk where they outgrow a few megabytes.

A private database without a name: SQLite spills it to a temporary file and removes it by itself.
So the memory of a replay depends on the users of one account (5,000 at most, by IAM's quota), never
on the length of the log.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause, Change, MembershipEvent
from chalicelib.times import exact, parse_time
from straywatch.replay.group_renames import GroupRename
from straywatch.replay.stretches import Ending, Stretch

_CACHE_KIB = 32_768
_GROUP_RENAMED = "group_renamed"
_RANK = {
    Change.CREATED: 0,
    _GROUP_RENAMED: 1,
    Change.JOINED: 2,
    Change.LEFT: 3,  # as the monitor's facts have it: joined and left within a second, left last
    Change.RENAMED: 4,
    Change.DELETED: 5,
}
"""The order of events within one second, which is as fine as CloudTrail tells time."""

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -{cache};
CREATE TABLE events (key BLOB UNIQUE, account TEXT, at TEXT, rank INTEGER, event TEXT);
CREATE TABLE stretches (
    partition TEXT, account_id TEXT, user_name TEXT, user_id TEXT, since TEXT, until TEXT,
    seconds REAL, ending TEXT, certain INTEGER, told TEXT
);
CREATE INDEX by_length ON stretches (seconds);
BEGIN;
"""


@dataclass(frozen=True, slots=True)
class _Told:
    """What of a stretch nobody asks the database for."""

    group: str = ""
    cause: Cause | None = None


class Store:
    """One replay's events and stretches."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES.format(cache=_CACHE_KIB))

    def close(self) -> None:
        """Drop everything."""
        self._db.close()

    def add(self, key: bytes, event: MembershipEvent | GroupRename) -> bool:
        """Keep the event unless one of this key is kept; return whether it was new."""
        at, rank, encoded = _encoded(event)
        row = (key, event.account.key, exact(at), rank, encoded)
        insert = "INSERT OR IGNORE INTO events VALUES (?,?,?,?,?)"
        return self._db.execute(insert, row).rowcount == 1

    def events(self) -> Iterator[MembershipEvent | GroupRename]:
        """All events, account by account, in the order of time; within a second by `_RANK`."""
        query = "SELECT rank, event FROM events ORDER BY account, at, rank, rowid"
        for rank, encoded in self._db.execute(query):
            yield _decoded(rank, encoded)

    def add_stretch(self, stretch: Stretch) -> None:
        """Keep a stretch."""
        told = json.dumps(encode(_Told(stretch.group, stretch.cause)))
        row = (
            stretch.account.partition, stretch.account.account_id, stretch.user_name,
            stretch.user_id, exact(stretch.since), exact(stretch.until), stretch.seconds,
            stretch.ending, stretch.certain, told,
        )  # fmt: skip
        self._db.execute("INSERT INTO stretches VALUES (?,?,?,?,?,?,?,?,?,?)", row)

    def stretches(self, *, longest_first: bool = False, limit: int = -1) -> Iterator[Stretch]:
        """The stretches by their beginning, or the longest; `limit` of them (-1: all)."""
        order = "seconds DESC, since" if longest_first else "since, account_id, user_name"
        query = f"SELECT * FROM stretches ORDER BY {order} LIMIT ?"  # nosec B608  # noqa: S608 - one of two orders
        for row in self._db.execute(query, (limit,)):
            yield _stretch(row)

    def ask(self, query: str, *values: float) -> tuple[Any, ...]:
        """Return the first row that answers a query over the stretches."""
        row: tuple[Any, ...] = self._db.execute(query, values).fetchone()
        return row


def _encoded(event: MembershipEvent | GroupRename) -> tuple[datetime, int, str]:
    encoded = json.dumps(encode(event, whole=True))
    if isinstance(event, GroupRename):
        return event.at, _RANK[_GROUP_RENAMED], encoded
    return event.cause.event_time, _RANK[event.change], encoded


def _decoded(rank: int, encoded: str) -> MembershipEvent | GroupRename:
    plain = json.loads(encoded)
    if rank == _RANK[_GROUP_RENAMED]:
        return decode(GroupRename, plain)
    return decode(MembershipEvent, plain)


def _stretch(row: tuple[Any, ...]) -> Stretch:
    partition, account_id, user_name, user_id, since, until, _, ending, certain, told = row
    more = decode(_Told, json.loads(told))
    return Stretch(
        account=Account(partition, account_id),
        user_name=user_name,
        user_id=user_id,
        since=parse_time(since),
        until=parse_time(until),
        ending=Ending(ending),
        group=more.group,
        certain=bool(certain),
        cause=more.cause,
    )
