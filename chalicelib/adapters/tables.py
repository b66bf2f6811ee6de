"""The two tables: findings, which are evidence and stay, and state, which is working memory.

Every write is conditional on the version that was read, so that of two workers one wins and the
other learns of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.items import from_item, to_item
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, NoFinding, Status, Write
from chalicelib.domain.marks import Mark, latest
from chalicelib.times import exact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE_INDEX = "live"
CROWD_INDEX = "crowd"
MARK_KEPT = timedelta(days=2)
"""How long after its last news a mark is kept: CloudTrail may deliver hours late."""


@dataclass(frozen=True, slots=True)
class FindingsTable:
    """One item for each finding, keyed by account and user id, then by the finding's number."""

    client: DynamoDBClient
    table: str
    keep_resolved: timedelta

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding, read consistently."""
        answer = self.client.query(
            TableName=self.table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{account.key}:{user_id}"}},
            ScanIndexForward=False,
            Limit=1,
            ConsistentRead=True,
        )
        items = answer["Items"]
        return decode(Finding, from_item(items[0])) if items else NoFinding()

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding of this id as it stands, read consistently."""
        partition_key, _, number = finding_id.rpartition(":")
        if not number.isdecimal():
            return NoFinding()
        key = {"pk": partition_key, "sk": f"{int(number):06d}"}
        answer = self.client.get_item(TableName=self.table, Key=to_item(key), ConsistentRead=True)
        item = answer.get("Item")
        return decode(Finding, from_item(item)) if item else NoFinding()

    def add(self, finding: Finding) -> Write:
        """Store a new finding, unless another worker has stored it already."""
        return _put(self.client, self.table, self._item(finding))

    def update(self, finding: Finding) -> Write:
        """Replace the version that `finding` was read as."""
        item = self._item(replace(finding, version=finding.version + 1))
        return _put(self.client, self.table, item, finding.version)

    def live(self, account: Account) -> Iterator[Finding]:
        """The account's findings that are open, or have an alert to be sent.

        Read from an index, which lags by moments: every write still checks the version.
        """
        return self._of_index(LIVE_INDEX, account.key)

    def in_crowd(self, crowd: str) -> Iterator[Finding]:
        """The findings that opened in a crowd, over or not, as the index shows them."""
        return self._of_index(CROWD_INDEX, crowd)

    def _of_index(self, index: str, key: str) -> Iterator[Finding]:
        """The findings of an index, which is named after its key."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=index,
            KeyConditionExpression=f"{index} = :key",
            ExpressionAttributeValues={":key": {"S": key}},
        )
        for page in pages:
            yield from (decode(Finding, from_item(item)) for item in page["Items"])

    def record_sweep(
        self, account: Account, started_at: datetime, result: Mapping[str, Any]
    ) -> None:
        """Keep one small item for each whole sweep: the coverage that a report proves."""
        item = {
            **result,
            "pk": sweeps_key(account),
            "sk": exact(started_at),
            "expires_at": int((started_at + self.keep_resolved).timestamp()),
        }
        self.client.put_item(TableName=self.table, Item=to_item(item))

    def _item(self, finding: Finding) -> dict[str, Any]:
        attributes = encode(finding) | {
            "pk": f"{finding.account.key}:{finding.user_id}",
            "sk": f"{finding.number:06d}",
            "finding_id": finding.finding_id,
        }
        if finding.status is Status.OPEN or finding.outbox:
            attributes["live"] = finding.account.key
        elif finding.resolved_at is not None:
            attributes["expires_at"] = int((finding.resolved_at + self.keep_resolved).timestamp())
        return to_item(attributes)


@dataclass(frozen=True, slots=True)
class StateTable:
    """Marks by account and lower-case user name, and small documents of the account's own."""

    client: DynamoDBClient
    table: str
    grace: timedelta

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name, read consistently; a mark of version 0 where nothing is."""
        attributes = self.document(account, _mark_key(user_name))
        if not attributes:
            return Mark(account=account, user_name=user_name)
        return decode(Mark, attributes)

    def marks(self, account: Account) -> Mapping[str, Mark]:
        """All marks of the account by lower-case name."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :mark)",
            ExpressionAttributeValues={":pk": {"S": account.key}, ":mark": {"S": "mark#"}},
            ConsistentRead=True,
        )
        found = (decode(Mark, from_item(item)) for page in pages for item in page["Items"])
        return {mark.user_name.lower(): mark for mark in found}

    def write(self, mark: Mark) -> Write:
        """Replace the version that `mark` was read as."""
        content = encode(mark)
        expires_at = self._expires_at(mark)
        if expires_at is not None:
            content["expires_at"] = int(expires_at.timestamp())
        return self.swap_document(mark.account, _mark_key(mark.user_name), content)

    def document(self, account: Account, name: str) -> Mapping[str, Any]:
        """A small document, read consistently; empty where there is none."""
        answer = self.client.get_item(
            TableName=self.table,
            Key={"pk": {"S": account.key}, "sk": {"S": name}},
            ConsistentRead=True,
        )
        return from_item(answer.get("Item", {}))

    def write_document(self, account: Account, name: str, content: Mapping[str, Any]) -> None:
        """Store a small document over whatever stood there."""
        key = {"pk": account.key, "sk": name}
        self.client.put_item(TableName=self.table, Item=to_item({**content, **key}))

    def swap_document(self, account: Account, name: str, content: Mapping[str, Any]) -> Write:
        """Replace the version of a small document that was read: `content` names it, 0 for none."""
        read = content["version"]
        key = {"pk": account.key, "sk": name}
        item = to_item({**content, **key, "version": read + 1})
        return _put(self.client, self.table, item, read)

    def _expires_at(self, mark: Mark) -> datetime | None:
        if mark.open_user_ids:
            return None
        news = latest(mark.left_at, mark.settled_at, mark.seen_at, mark.deleted_at, mark.renamed_at)
        return news and news + self.grace + MARK_KEPT


def sweeps_key(account: Account) -> str:
    """Where an account's sweeps stand, by the time they began. No user id looks like it."""
    return f"{account.key}:sweeps"


def _mark_key(user_name: str) -> str:
    """IAM tells no names apart by case alone."""
    return f"mark#{user_name.lower()}"


def _put(client: DynamoDBClient, table: str, item: dict[str, Any], read: int = 0) -> Write:
    """Store an item over the version that was read, 0 for none."""
    request: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if read:
        request = {
            "ConditionExpression": "version = :read",
            "ExpressionAttributeValues": {":read": {"N": str(read)}},
        }
    try:
        client.put_item(TableName=table, Item=item, **request)
    except client.exceptions.ConditionalCheckFailedException:
        return Write.CONFLICT
    return Write.DONE
