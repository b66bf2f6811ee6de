"""Reads findings from a deployment's table, page by page; it never writes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.items import from_item
from chalicelib.adapters.tables import LIVE_INDEX
from chalicelib.codec import DecodingError, decode
from chalicelib.domain.findings import Finding

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_ID = re.compile(r"([a-z-]+:\d{12}:[A-Za-z0-9]+):(\d{1,6})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item of the table that this version cannot read, and why."""

    key: str
    why: str


@dataclass(frozen=True, slots=True)
class NoSuchFinding:
    """No finding has this id."""


@dataclass(frozen=True, slots=True)
class Several:
    """Findings of several users are meant; their ids, each the newest of its user."""

    finding_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings of one deployment. Every method raises ClientError."""

    client: DynamoDBClient
    table: str

    def live(self) -> Iterator[Finding | Unreadable]:
        """All that are open, or have an alert still to be sent, of every account."""
        yield from self._scan(IndexName=LIVE_INDEX)

    def all(self) -> Iterator[Finding | Unreadable]:
        """All, in no order; a page at a time is held."""
        yield from self._scan()

    def of_user(self, finding: Finding) -> list[Finding | Unreadable]:
        """All findings of a finding's user, oldest first."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{finding.account.key}:{finding.user_id}"}},
        )
        return [_read(item) for page in pages for item in page["Items"]]

    def one(self, finding_id: str) -> Finding | Unreadable | NoSuchFinding:
        """The finding of an id as alerts carry it."""
        match = _ID.fullmatch(finding_id)
        if not match:
            return NoSuchFinding()
        key = {"pk": {"S": match[1]}, "sk": {"S": f"{int(match[2]):06d}"}}
        answer = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return _read(answer["Item"]) if "Item" in answer else NoSuchFinding()

    def named(self, text: str) -> Finding | Unreadable | NoSuchFinding | Several:
        """The finding that `text` names: by its id, a beginning of that, a user's id or name.

        Of several findings of one user it is the newest.
        """
        found = self.one(text)
        if not isinstance(found, NoSuchFinding):
            return found
        newest: dict[tuple[str, str], Finding] = {}
        for each in self.all():
            if isinstance(each, Finding) and _is_meant(each, text):
                user = (each.account.key, each.user_id)
                newest[user] = max(newest.get(user, each), each, key=lambda one: one.opened_at)
        if len(newest) > 1:
            return Several(tuple(sorted(each.finding_id for each in newest.values())))
        return next(iter(newest.values()), NoSuchFinding())

    def _scan(self, **more: Any) -> Iterator[Finding | Unreadable]:  # noqa: ANN401 - boto3's own
        # the table holds other evidence, too: a finding is what has an id
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.table, FilterExpression="attribute_exists(finding_id)", **more
        )
        for page in pages:
            yield from map(_read, page["Items"])


def _is_meant(finding: Finding, text: str) -> bool:
    return (
        finding.finding_id.startswith(text)
        or finding.user_id.startswith(text)
        or finding.user_name.casefold() == text.casefold()
    )


def _read(item: dict[str, Any]) -> Finding | Unreadable:
    try:
        return decode(Finding, from_item(item))
    except DecodingError as error:
        key = "/".join(str(item.get(name, {}).get("S", "?")) for name in ("pk", "sk"))
        return Unreadable(key, f"not a finding: {error}")
