"""The two tables: findings, which are evidence and stay, and state, which is working memory.

A finding is written on condition of the version that was read, so that of two workers one wins and
the other learns of it. Facts are added to a mark without any condition: they cannot be at odds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.items import Item, from_item, to_item
from chalicelib.adapters.mark_items import if_unchanged, mark_key, mark_of, update_of
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.facts import Mark, News
from chalicelib.domain.findings import Finding, NoFinding, Status, Write
from chalicelib.times import exact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LIVE_INDEX = "live"
CROWD_INDEX = "crowd"
_CONSISTENT = {"ConsistentRead": True}
_MOST_READ = 50
"""BatchGetItem takes 100 keys."""
_CLASH, _CLASHES = "TransactionConflictException", 3
"""An update that meets a transaction on its item is refused, and does well a moment later."""
_LOST = ("ConditionalCheckFailed", "TransactionConflict")
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
        key = finding_key(finding_id)
        if not key:
            return NoFinding()
        item = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True).get("Item")
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

    def record_unread(self, account: Account, at: datetime, error: str) -> None:
        """Keep one small item for each time that an account could not be read: it was unknown."""
        item = {
            "pk": unread_key(account),
            "sk": exact(at),
            "error": error,
            "expires_at": int((at + self.keep_resolved).timestamp()),
        }
        self.client.put_item(TableName=self.table, Item=to_item(item))

    def put_of(self, finding: Finding, read: int = 0) -> dict[str, Any]:
        """The put that stores it over the version that was read, as a transaction takes it."""
        return _guarded(self._item(finding), read)

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
        """What is known of the name, read consistently; a blank mark where nothing is."""
        answer = self.client.get_item(
            TableName=self.table, Key=mark_item_key(account, user_name), ConsistentRead=True
        )
        return self.mark_in(account, user_name, answer.get("Item"))

    def mark_in(self, account: Account, user_name: str, item: Item | None) -> Mark:
        """The mark in an item, under the name as it was asked for."""
        blank = Mark(account=account, user_name=user_name)
        return replace(mark_of(item), user_name=user_name) if item else blank

    def marks(self, account: Account) -> Mapping[str, Mark]:
        """All marks of the account by lower-case name."""
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :mark)",
            ExpressionAttributeValues={":pk": {"S": account.key}, ":mark": {"S": "mark#"}},
            ConsistentRead=True,
        )
        found = (mark_of(item) for page in pages for item in page["Items"])
        return {mark.user_name.lower(): mark for mark in found}

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Add news to a name's mark, whatever it holds by now; return all that it holds then."""
        update = update_of(mark, news, self.expires_at(now))
        for again in range(_CLASHES, -1, -1):
            try:
                answer = self.client.update_item(
                    TableName=self.table, ReturnValues="ALL_NEW", **update
                )
            except self.client.exceptions.ClientError as error:
                if not again or error.response["Error"]["Code"] != _CLASH:
                    raise
            else:
                return self.mark_in(mark.account, mark.user_name, answer["Attributes"])
        raise AssertionError  # the last clash is raised

    def expires_at(self, now: datetime) -> datetime:
        """When a mark that was written now is worth nothing any more."""
        return now + self.grace + MARK_KEPT

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


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both tables as one memory: what is read in one call, and written at once or not at all."""

    findings: FindingsTable
    state: StateTable

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name."""
        return self.state.mark(account, user_name)

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""
        return self.findings.latest(account, user_id)

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Add news to a mark; return all that it holds then."""
        return self.state.note(mark, news, now)

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """The name's mark and these findings, read consistently in one call."""
        keys = {id_: key for id_ in finding_ids[:_MOST_READ] if (key := finding_key(id_))}
        if not keys:
            return self.mark(account, user_name), {}
        wanted: dict[str, Any] = {
            self.state.table: {"Keys": [mark_item_key(account, user_name)], **_CONSISTENT},
            self.findings.table: {"Keys": list(keys.values()), **_CONSISTENT},
        }
        found: dict[str, list[Item]] = {name: [] for name in wanted}
        while wanted:
            answer = self.state.client.batch_get_item(RequestItems=wanted)
            for name, items in answer["Responses"].items():
                found[name] += items
            wanted = dict(answer.get("UnprocessedKeys", {}))
        mark = next(iter(found[self.state.table]), None)
        findings = [decode(Finding, from_item(item)) for item in found[self.findings.table]]
        known: dict[str, Finding | NoFinding] = dict.fromkeys(keys, NoFinding())
        known |= {finding.finding_id: finding for finding in findings}
        return self.state.mark_in(account, user_name, mark), known

    def add(self, finding: Finding, mark: Mark, news: News, now: datetime) -> Write:
        """Store a finding that must be new, with news, if the mark is as it was read."""
        put = self.findings.put_of(finding)
        update = update_of(mark, news, self.state.expires_at(now))
        return self._both(put, if_unchanged(update, mark))

    def update(self, finding: Finding, mark: Mark | None = None, news: News | None = None) -> Write:
        """Replace the version of a finding that was read; with news, if the mark is as it was."""
        if mark is None or news is None:
            return self.findings.update(finding)
        put = self.findings.put_of(replace(finding, version=finding.version + 1), finding.version)
        at = finding.resolved_at or finding.opened_at
        update = update_of(mark, news, self.state.expires_at(at))
        return self._both(put, if_unchanged(update, mark))

    def _both(self, put: Mapping[str, Any], update: Mapping[str, Any]) -> Write:
        """Write a finding and its mark. Whatever was not for a lost race is raised."""
        client = self.state.client
        writes: list[Any] = [
            {"Put": {"TableName": self.findings.table, **put}},
            {"Update": {"TableName": self.state.table, **update}},
        ]
        try:
            client.transact_write_items(TransactItems=writes)
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            if any(reason.get("Code") in _LOST for reason in reasons):
                return Write.CONFLICT
            raise
        return Write.DONE


def finding_key(finding_id: str) -> Item:
    """Where the finding of this id stands; empty for what is no finding's id."""
    partition_key, _, number = finding_id.rpartition(":")
    if not number.isdecimal():
        return {}
    return to_item({"pk": partition_key, "sk": f"{int(number):06d}"})


def mark_item_key(account: Account, user_name: str) -> Item:
    """Where a name's mark stands."""
    return to_item({"pk": account.key, "sk": mark_key(user_name)})


def sweeps_key(account: Account) -> str:
    """Where an account's sweeps stand, by the time they began. No user id looks like it."""
    return f"{account.key}:sweeps"


def unread_key(account: Account) -> str:
    """Where the times stand at which an account could not be read."""
    return f"{account.key}:unread"


def _put(client: DynamoDBClient, table: str, item: dict[str, Any], read: int = 0) -> Write:
    """Store an item over the version that was read, 0 for none."""
    try:
        client.put_item(TableName=table, **_guarded(item, read))
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("ConditionalCheckFailedException", _CLASH):
            return Write.CONFLICT
        raise
    return Write.DONE


def _guarded(item: Item, read: int) -> dict[str, Any]:
    if not read:
        return {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "Item": item,
        "ConditionExpression": "version = :read",
        "ExpressionAttributeValues": {":read": {"N": str(read)}},
    }
