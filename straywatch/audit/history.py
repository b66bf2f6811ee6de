"""When users were last removed from a group, as far as CloudTrail still knows (90 days)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_cloudtrail import CloudTrailClient

PAUSE = 0.5
"""CloudTrail User Guide: LookupEvents is limited to two calls a second per account and region."""


def last_removals(
    cloudtrail: CloudTrailClient,
    wanted: Mapping[str, datetime],
    sleep: Callable[[float], None],
) -> dict[str, datetime]:
    """Find the last removal from a group of each `wanted` user (name to creation time).

    Newest first, until all are found or the history ends; a removal from before the creation was
    another user's of the same name. Raises what botocore raises, and StraywatchError for records
    that cannot be read.
    """
    waiting = {name.casefold(): (name, created) for name, created in wanted.items()}
    found: dict[str, datetime] = {}
    for page in _pages(cloudtrail, sleep, waiting):
        for event in page:
            time = event["EventTime"].astimezone(UTC)
            name, created = waiting.get(_removed_user(event), ("", time))
            if name and time >= created:
                found[name] = time
                del waiting[name.casefold()]
    return found


def _pages(
    cloudtrail: CloudTrailClient, sleep: Callable[[float], None], waiting: Mapping[str, object]
) -> Iterator[list[Any]]:
    token: dict[str, Any] = {}
    while waiting:
        answer = cloudtrail.lookup_events(
            LookupAttributes=[
                {"AttributeKey": "EventName", "AttributeValue": "RemoveUserFromGroup"}
            ],
            **token,
        )
        yield answer["Events"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}
        sleep(PAUSE)


def _removed_user(event: Mapping[str, Any]) -> str:
    """Who was removed, in small letters; empty for a removal that failed."""
    try:
        record = json.loads(event["CloudTrailEvent"])
        if "errorCode" in record:
            return ""
        return str(record["requestParameters"]["userName"]).casefold()
    except (KeyError, TypeError, ValueError) as error:
        raise StraywatchError(f"a record of CloudTrail is not readable ({error})") from error
