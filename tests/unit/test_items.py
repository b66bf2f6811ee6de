"""Marks and findings on their way into DynamoDB's items and back."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.items import from_item, to_item
from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause
from chalicelib.domain.facts import Asked, Evidence, Fact, Kind, Mark, Noted
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, Status
from chalicelib.domain.severity import Severity

words = st.text(st.characters(codec="utf-8"), max_size=12)
filled = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
counts = st.integers(0, 10**9)
instants = st.datetimes(
    datetime(2010, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)  # noqa: DTZ001 - st adds UTC
)  # fmt: skip
maybe = st.none() | instants
accounts = st.builds(Account, st.sampled_from(["aws", "aws-cn", "aws-us-gov"]), filled)
texts = [field.name for field in fields(Cause) if field.name != "event_time"]
causes = st.builds(Cause, event_time=instants, **dict.fromkeys(texts, words))
resolutions = st.builds(
    Resolution,
    st.sampled_from(Reason),
    st.lists(filled, max_size=3).map(tuple),
    words,
    maybe,
)
facts = st.builds(
    Fact,
    id=filled,
    kind=st.sampled_from(Kind),
    at=instants,
    user_id=words,
    name=words,
    cause=st.none() | causes,
    after=maybe,
)
marks = st.builds(
    Mark,
    account=accounts,
    user_name=filled,
    facts=st.lists(facts, max_size=3).map(tuple),
    noted=st.lists(st.builds(Noted, filled, counts, instants), max_size=3).map(tuple),
    asked=st.lists(st.builds(Asked, instants, instants), max_size=3).map(tuple),
    flapping_told_at=maybe,
    version=counts,
)
findings = st.builds(
    Finding,
    account=accounts,
    user_id=filled,
    number=counts,
    user_name=filled,
    user_arn=filled,
    user_created_at=instants,
    status=st.sampled_from(Status),
    severity=st.sampled_from(Severity),
    risk=words,
    stray_since=instants,
    evidence=st.sampled_from(Evidence),
    opened_at=instants,
    detected_by=filled,
    cause=st.none() | causes,
    flaps=counts,
    resolved_at=maybe,
    resolution=st.none() | resolutions,
    reminders=counts,
    alerted_at=maybe,
    escalated_at=maybe,
    unread=st.lists(filled, max_size=3).map(tuple),
    quiet=st.booleans(),
    muted=st.booleans(),
    outbox=st.lists(st.sampled_from(AlertType), max_size=3).map(tuple),
    claimed_until=maybe,
    version=counts,
)


def stored(value: object) -> dict[str, Any]:
    """What DynamoDB gives back of a value put into it."""
    return from_item(to_item(encode(value)))


@given(marks)
def test_a_mark_survives_the_table(mark: Mark) -> None:
    """Every field, to the microsecond."""
    assert decode(Mark, stored(mark)) == mark


@given(findings)
def test_a_finding_survives_the_table(finding: Finding) -> None:
    """Every field: a finding is evidence, and is read for years."""
    assert decode(Finding, stored(finding)) == finding


simple = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | words | st.binary(max_size=4)
sets = st.sets(counts, min_size=1, max_size=3) | st.sets(words, min_size=1, max_size=3)
values = st.recursive(
    simple | sets,
    lambda part: st.lists(part, max_size=3) | st.dictionaries(words, part, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(words, values, max_size=4))
def test_items_are_those_of_boto3(attributes: dict[str, Any]) -> None:
    """Whatever DynamoDB can hold: our own shorter way must not lead elsewhere."""
    item = {name: TypeSerializer().serialize(value) for name, value in attributes.items()}
    assert to_item(attributes) == item
    theirs = {name: TypeDeserializer().deserialize(value) for name, value in item.items()}
    assert repr(from_item(item)) == repr(theirs)


def test_what_dynamodb_cannot_hold_is_refused_as_boto3_refuses_it() -> None:
    """Neither a float nor a value of a type that does not exist."""
    with pytest.raises(TypeError):
        to_item({"share": [0.5]})
    with pytest.raises(TypeError):
        from_item({"share": {"M": {"of": {"F": "0.5"}}}})


@given(st.lists(instants, min_size=2, max_size=5))
def test_stored_times_sort_as_text(times: list[datetime]) -> None:
    """Whoever queries the table by time need not parse it."""
    texts = [encode(time) for time in sorted(times)]
    assert texts == sorted(texts)
