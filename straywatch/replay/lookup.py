"""Membership events from the account itself, through CloudTrail's LookupEvents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.events import LOST_EVENTS, SETTLED_EVENTS
from straywatch.aws.pacing import TokenBucket
from straywatch.replay.documents import Malformed, Piece, records_of_text

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

EVENT_NAMES = (*LOST_EVENTS, *SETTLED_EVENTS, "UpdateGroup")
LONGEST_DAYS = 90
"""How far back LookupEvents looks.
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""

CALLS_A_SECOND = 2
"""The limit of LookupEvents for an account in a region, as the same page has it."""

_PAGE_SIZE = 50


def looked_up(
    client: CloudTrailClient,
    pace: TokenBucket,
    until: datetime,
    days: int,
    progress: Callable[[float], None],
) -> Iterator[Piece]:
    """Yield the account's records of the events that a replay needs, from the last `days` days.

    `progress` is told the share that is done, from 0 to 1: records come newest first, so their
    times tell. Raises what botocore raises: half an answer is none.
    """
    since = until - timedelta(days=days)
    for index, name in enumerate(EVENT_NAMES):
        marker: dict[str, str] = {}
        while True:
            pace.take()
            page = client.lookup_events(
                LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
                StartTime=since,
                EndTime=until,
                MaxResults=_PAGE_SIZE,
                **marker,  # type: ignore[arg-type]  # the one further parameter, where there is one
            )
            oldest = until
            for event in page.get("Events", []):
                oldest = event.get("EventTime", oldest)
                if "CloudTrailEvent" in event:
                    yield from records_of_text(event["CloudTrailEvent"])
                else:
                    yield Malformed("an event of LookupEvents without its record")
            progress((index + min(1.0, (until - oldest) / (until - since))) / len(EVENT_NAMES))
            if not page.get("NextToken"):
                break
            marker = {"NextToken": page["NextToken"]}
    progress(1.0)
