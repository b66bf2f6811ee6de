"""Reads what the monitor has written: findings, marks and sweeps, page by page; keeps drills."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.items import from_item, to_item
from chalicelib.adapters.tables import StateTable, sweeps_key
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.drills import DOCUMENT as DRILL
from chalicelib.domain.facts import Mark
from chalicelib.domain.findings import Finding
from chalicelib.flows.exemptions_in_force import DOCUMENT
from chalicelib.times import exact
from straywatch.findings.reading import Findings, NoSuchFinding, Unreadable
from straywatch.observing.deployment import Observed
from straywatch.observing.records import DrillRecord, SweepRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_FIRST, _LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_KEPT, _KEPT_DAYS = "KeepResolvedDays", "2190"


@dataclass(frozen=True, slots=True)
class FoundFindings:
    """Findings, oldest first, and the keys of items that this version cannot read."""

    findings: tuple[Finding, ...]
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one deployment, read only. Every method raises what DynamoDB refuses."""

    client: DynamoDBClient
    observed: Observed

    def findings(self) -> FoundFindings:
        """Every finding of the account, oldest first; a scan, about one call for each 1,000."""
        return self._sorted(self._findings.all())

    def live(self) -> FoundFindings:
        """The findings that are open, or have an alert to be sent."""
        return self._sorted(self._findings.live())

    def finding(self, finding_id: str) -> Finding | Unreadable | NoSuchFinding:
        """One finding as it stands."""
        return self._findings.one(finding_id)

    def _sorted(self, read: Iterable[Finding | Unreadable]) -> FoundFindings:
        found, unreadable = [], []
        for each in read:
            if isinstance(each, Unreadable):
                unreadable.append(each.key)
            elif each.account == self.account:
                found.append(each)
        found.sort(key=lambda f: (f.opened_at, f.finding_id))
        return FoundFindings(tuple(found), tuple(sorted(unreadable)))

    def marks(self) -> tuple[Mark, ...]:
        """Every mark of the account."""
        return tuple(self._state.marks(self.observed.account).values())

    def sweeps(self, since: datetime, until: datetime) -> tuple[SweepRecord, ...]:
        """The whole sweeps that began at `since` or later and before `until`, oldest first."""
        items = self._between(sweeps_key(self.account), since, until)
        found = (decode(SweepRecord, item) for item in items)
        return tuple(sweep for sweep in found if sweep.started_at < until)

    def first_sweep_at(self) -> datetime | None:
        """When the first whole sweep of all began, None if there was none."""
        items = self._between(sweeps_key(self.account), _FIRST, _LAST)
        return next((decode(SweepRecord, item).started_at for item in items), None)

    def drills(self, since: datetime, until: datetime) -> tuple[DrillRecord, ...]:
        """The drills that began at `since` or later and before `until`, oldest first."""
        items = self._between(_drills_key(self.account), since, until)
        found = (decode(DrillRecord, item) for item in items)
        return tuple(drill for drill in found if drill.started_at < until)

    def keep(self, drill: DrillRecord) -> None:
        """Keep a drill, as long as resolved findings are kept. Raises what DynamoDB refuses."""
        kept = timedelta(days=int(self.observed.parameters.get(_KEPT, _KEPT_DAYS)))
        item = encode(drill) | {
            "pk": _drills_key(self.account),
            "sk": exact(drill.started_at),
            "expires_at": int((drill.finished_at + kept).timestamp()),
        }
        self.client.put_item(TableName=self.observed.findings_table, Item=to_item(item))

    def note_drill(self, note: Mapping[str, Any]) -> None:
        """Leave word of a drill for the pager. Raises what DynamoDB refuses."""
        self._state.write_document(self.account, DRILL, note)

    def _between(self, key: str, since: datetime, until: datetime) -> Iterator[dict[str, Any]]:
        values = {":pk": key, ":since": exact(since), ":until": exact(until)}
        pages = self.client.get_paginator("query").paginate(
            TableName=self.observed.findings_table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :since AND :until",
            ExpressionAttributeValues=to_item(values),
        )
        return _items(pages)

    def configuration(self) -> Mapping[str, Any]:
        """What the monitor noted of its configuration: `refused` is a text it does not follow."""
        return self._state.document(self.account, DOCUMENT)

    @property
    def account(self) -> Account:
        """The account that the deployment watches."""
        return self.observed.account

    @property
    def _findings(self) -> Findings:
        return Findings(self.client, self.observed.findings_table)

    @property
    def _state(self) -> StateTable:
        return StateTable(self.client, self.observed.state_table, self.observed.grace)


def _drills_key(account: Account) -> str:
    """Where an account's drills stand, by the time they began. No user id looks like it."""
    return f"{account.key}:drills"


def _items(pages: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - paginators of two kinds
    for page in pages:
        yield from (from_item(item) for item in page["Items"])
