"""How each account of an organization stands: heard, readable, swept, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.items import from_item, to_item
from chalicelib.adapters.roster_table import RosterTable
from chalicelib.adapters.tables import StateTable
from chalicelib.codec import decode
from chalicelib.domain.account import Account
from chalicelib.domain.organization import Member
from chalicelib.flows.fan_out import FORWARDING, READING, Reading
from chalicelib.flows.heartbeat import LATE
from chalicelib.times import iso, parse_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_SWEPT, _HEARD = "sweep", "heard"
_DOCUMENTS = (_SWEPT, READING, FORWARDING, _HEARD)
_AT_ONCE = 25
"""Four documents of each account: BatchGetItem takes 100 keys."""


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """One account. `problem` is empty if nothing is the matter, as far as anybody knows.

    `strays` and `users` are those of the last whole sweep; None before the first. One that is
    readable was read whole by the last sweep, and not long ago; it may be that it does not forward.
    """

    member: Member
    heard_at: datetime | None
    swept_at: datetime | None
    users: int | None
    strays: int | None
    is_readable: bool
    problem: str


@dataclass(frozen=True, slots=True)
class OrganizationStatus:
    """All accounts: those that are watched with how they stand, and those that are not."""

    watched: tuple[AccountStatus, ...]
    unwatched: tuple[Member, ...]

    @property
    def coverage(self) -> float:
        """How many of the watched accounts are known, in per cent."""
        known = sum(each.is_readable for each in self.watched)
        return 100 * known / len(self.watched) if self.watched else 0.0


def account_status(
    member: Member, documents: Mapping[str, Mapping[str, Any]], now: datetime, every: timedelta
) -> AccountStatus:
    """Judge one account by its documents. What was not looked at is not fine."""
    swept, heard = documents.get(_SWEPT, {}), documents.get(_HEARD, {})
    swept_at = parse_time(swept["finished_at"]) if "finished_at" in swept else None
    reading, forwarding = (_reading(documents.get(name)) for name in (READING, FORWARDING))
    unknown = _unknown(reading, swept_at, now, every)
    return AccountStatus(
        member=member,
        heard_at=parse_time(heard["at"]) if heard else None,
        swept_at=swept_at,
        users=int(swept["users"]) if swept_at else None,
        strays=int(swept["strays"]) if swept_at else None,
        is_readable=not unknown,
        problem=unknown or _silence(forwarding),
    )


def _reading(stored: Mapping[str, Any] | None) -> Reading | None:
    return decode(Reading, stored) if stored else None


def _silence(forwarding: Reading | None) -> str:
    if forwarding and forwarding.failing_since:
        return f"not heard since {iso(forwarding.failing_since)} or before: {forwarding.error}"
    return ""


def _unknown(
    reading: Reading | None, swept_at: datetime | None, now: datetime, every: timedelta
) -> str:
    if reading and reading.failing_since:
        times = "once" if reading.failures == 1 else f"{reading.failures} times"
        return f"cannot be read since {iso(reading.failing_since)} ({times}): {reading.error}"
    if swept_at is None:
        return "not swept yet"
    if now - swept_at > every + LATE:
        return f"no whole sweep since {iso(swept_at)}"
    return ""


@dataclass(frozen=True, slots=True)
class OrganizationReader:
    """Reads it from the hub's state table. Raises what DynamoDB refuses."""

    client: DynamoDBClient
    table: str
    own: Account

    def read(self, now: datetime, every: timedelta) -> OrganizationStatus:
        """Every account, by its id; some calls for each hundred."""
        roster = RosterTable(StateTable(self.client, self.table, timedelta(0)), self.own)
        members = sorted(roster.members(), key=lambda member: member.account.key)
        watched = [m for m in members if not m.unwatched or m.account == self.own]
        stored = self._documents(member.account for member in watched)
        return OrganizationStatus(
            tuple(account_status(m, stored.get(m.account.key, {}), now, every) for m in watched),
            tuple(m for m in members if m.unwatched and m.account != self.own),
        )

    def _documents(self, accounts: Iterable[Account]) -> dict[str, dict[str, dict[str, Any]]]:
        """The small documents of each account by its key and their names."""
        found: dict[str, dict[str, dict[str, Any]]] = {}
        keys = [account.key for account in accounts]
        for begin in range(0, len(keys), _AT_ONCE):
            wanted: dict[str, Any] = {
                self.table: {
                    "Keys": [
                        to_item({"pk": key, "sk": name})
                        for key in keys[begin : begin + _AT_ONCE]
                        for name in _DOCUMENTS
                    ]
                }
            }
            while wanted:
                answer = self.client.batch_get_item(RequestItems=wanted)
                for item in map(from_item, answer["Responses"].get(self.table, ())):
                    found.setdefault(item["pk"], {})[item["sk"]] = item
                wanted = dict(answer.get("UnprocessedKeys", {}))
        return found
