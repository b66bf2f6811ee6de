"""Reads what the monitor has written: findings, marks and sweeps, page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.account import Account
from chalicelib.findings import Finding
from chalicelib.items import finding_from, from_item, to_item
from chalicelib.marks import Mark
from chalicelib.tables import FindingsTable, StateTable, sweeps_key
from chalicelib.times import exact
from straywatch.observing.deployment import Observed
from straywatch.observing.records import SweepRecord, sweep_record

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one deployment, read only. Every method raises what DynamoDB refuses."""

    client: DynamoDBClient
    observed: Observed

    def findings(self) -> tuple[Finding, ...]:
        """Every finding of the account, oldest first; a scan, about one call for each 1,000."""
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.observed.findings_table,
            FilterExpression="begins_with(pk, :account) AND attribute_exists(finding_id)",
            ExpressionAttributeValues=to_item({":account": f"{self.observed.account.key}:"}),
        )
        found = (finding_from(item) for item in _items(pages))
        return tuple(sorted(found, key=lambda f: (f.opened_at, f.finding_id)))

    def live(self) -> tuple[Finding, ...]:
        """The findings that are open, or have an alert to be sent."""
        table = FindingsTable(self.client, self.observed.findings_table, timedelta())
        return tuple(table.live(self.observed.account))

    def finding(self, finding_id: str) -> Mapping[str, Any]:
        """The attributes of one finding; empty where there is none (any more)."""
        partition_key, _, number = finding_id.rpartition(":")
        answer = self.client.get_item(
            TableName=self.observed.findings_table,
            Key=to_item({"pk": partition_key, "sk": f"{int(number):06d}"}),
        )
        return from_item(answer.get("Item", {}))

    def marks(self) -> tuple[Mark, ...]:
        """Every mark of the account."""
        return tuple(self._state.marks(self.observed.account).values())

    def sweeps(self, since: datetime, until: datetime) -> tuple[SweepRecord, ...]:
        """The whole sweeps that began at `since` or later and before `until`, oldest first."""
        values = {":pk": sweeps_key(self.account), ":since": exact(since), ":until": exact(until)}
        pages = self.client.get_paginator("query").paginate(
            TableName=self.observed.findings_table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :since AND :until",
            ExpressionAttributeValues=to_item(values),
        )
        found = (sweep_record(item) for item in _items(pages))
        return tuple(sweep for sweep in found if sweep.started_at < until)

    def configuration(self) -> Mapping[str, Any]:
        """What the monitor noted of its configuration: `refused` is a text it does not follow."""
        return self._state.document(self.account, "configuration")

    @property
    def account(self) -> Account:
        """The account that the deployment watches."""
        return self.observed.account

    @property
    def _state(self) -> StateTable:
        return StateTable(self.client, self.observed.state_table, self.observed.grace)


def _items(pages: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - paginators of two kinds
    for page in pages:
        yield from (from_item(item) for item in page["Items"])
