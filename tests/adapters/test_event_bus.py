"""PutEvents: what EventBridge refuses in a good answer is never taken for sent."""

from __future__ import annotations

import json

import pytest
from botocore.stub import Stubber

from chalicelib.adapters.event_bus import PutEvents
from chalicelib.channels.event_bus.event import BusEvent
from chalicelib.channels.interface import NotTakenError
from tests.adapters.aws import client

BUS = "arn:aws:events:us-east-1:123456789012:event-bus/security"
EVENT = BusEvent("Straywatch Test", ("arn:aws:iam::123456789012:user/frank",), {"test": True})
ENTRY = {
    "EventBusName": BUS,
    "Source": "straywatch",
    "DetailType": "Straywatch Test",
    "Resources": ["arn:aws:iam::123456789012:user/frank"],
    "Detail": json.dumps({"test": True}),
}


def put(answer: dict[str, object]) -> None:
    """Put the event on a bus that answers so; botocore's model checks the call."""
    events = client("events")
    with Stubber(events) as stub:
        stub.add_response("put_events", answer, {"Entries": [ENTRY]})
        PutEvents(events, BUS).put(EVENT)
        stub.assert_no_pending_responses()


def test_an_event_goes_to_the_bus_that_was_named() -> None:
    """With the user's ARN as its resource."""
    put({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})


def test_a_refused_event_is_raised_with_its_reason() -> None:
    """EventBridge answers 200 all the same; the message has to come again."""
    refusal = {"ErrorCode": "InvalidArgument", "ErrorMessage": "Event bus does not exist."}
    with pytest.raises(NotTakenError, match=r"InvalidArgument: Event bus does not exist\."):
        put({"FailedEntryCount": 1, "Entries": [refusal]})
