"""Events from the account's own CloudTrail, within its rate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber
from mypy_boto3_cloudtrail import CloudTrailClient

from straywatch.aws.pacing import TokenBucket
from straywatch.replay.documents import Malformed
from straywatch.replay.lookup import EVENT_NAMES, looked_up
from tests.fakes import RestingClock
from tests.unit.trail import at, created, joined

UNTIL = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def client() -> CloudTrailClient:
    """A client that talks to nobody."""
    return boto3.client(
        "cloudtrail", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )


@pytest.fixture
def stub(client: CloudTrailClient) -> Iterator[Stubber]:
    """The client's answers, which must all be asked for."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(stub: Stubber, name: str, *records: Any, marker: str = "", after: str = "") -> None:
    """Queue one page of the events of a name."""
    asked = {
        "LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}],
        "StartTime": UNTIL - timedelta(days=10),
        "EndTime": UNTIL,
        "MaxResults": 50,
        **({"NextToken": after} if after else {}),
    }
    events = [
        {"EventTime": UNTIL - timedelta(days=5), "CloudTrailEvent": json.dumps(record)}
        for record in records
    ]
    more = {"NextToken": marker} if marker else {}
    stub.add_response("lookup_events", {"Events": events, **more}, asked)


def test_every_name_is_asked_for_to_its_last_page(client: CloudTrailClient, stub: Stubber) -> None:
    """At two calls a second, and the progress only ever grows to one."""
    one, two, three = created(at(), "a"), created(at(), "b"), joined(at(), "b", "x")
    answer(stub, "CreateUser", one, marker="m")
    answer(stub, "CreateUser", two, after="m")
    for name in EVENT_NAMES[1:]:
        answer(stub, name, *([three] if name == "AddUserToGroup" else []))
    clock, shares = RestingClock(), list[float]()
    pace = TokenBucket(2, 1, clock, clock.sleep)
    assert list(looked_up(client, pace, UNTIL, 10, shares.append)) == [one, two, three]
    assert clock.now == pytest.approx(100 + len(EVENT_NAMES) / 2)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_an_event_without_its_record_is_told(client: CloudTrailClient, stub: Stubber) -> None:
    """It is counted as malformed instead of being passed over."""
    asked = dict.fromkeys(("LookupAttributes", "StartTime", "EndTime", "MaxResults"), ANY)
    stub.add_response("lookup_events", {"Events": [{"EventId": "x"}]}, asked)
    for name in EVENT_NAMES[1:]:
        answer(stub, name)
    clock = RestingClock()
    found = list(
        looked_up(client, TokenBucket(2, 1, clock, clock.sleep), UNTIL, 10, lambda _: None)
    )
    assert [type(piece) for piece in found] == [Malformed]


def test_a_page_that_fails_fails_the_whole(client: CloudTrailClient, stub: Stubber) -> None:
    """Half a history would look like a quieter account."""
    answer(stub, "CreateUser", created(at(), "a"), marker="m")
    stub.add_client_error("lookup_events", "AccessDeniedException")
    clock = RestingClock()
    with pytest.raises(ClientError):
        list(looked_up(client, TokenBucket(2, 1, clock, clock.sleep), UNTIL, 10, lambda _: None))
