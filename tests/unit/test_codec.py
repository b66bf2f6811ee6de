"""Values as they are stored and queued, and back, also those of earlier versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.items import from_item, to_item
from chalicelib.adapters.mark_items import mark_of
from chalicelib.codec import DecodingError, decode, encode
from chalicelib.domain.check_requests import (
    CheckRequest,
    DigestRequest,
    MalformedCheckError,
    decode_check,
    encode_check,
)
from chalicelib.domain.findings import Finding, Resolution
from chalicelib.times import parse_time
from tests.unit import recorded

RECORDED = json.loads((Path(__file__).parent / "recorded.json").read_text())
ITEMS = {"whole finding": recorded.WHOLE_FINDING, "bare finding": recorded.BARE_FINDING}
MARKS = {"whole mark": recorded.WHOLE_MARK, "bare mark": recorded.BARE_MARK}
MESSAGES: dict[str, CheckRequest | DigestRequest] = {
    "whole check": recorded.WHOLE_CHECK,
    "bare check": recorded.BARE_CHECK,
    "digest": recorded.DIGEST,
}
OF_THE_TABLE = {"pk", "sk", "finding_id", "live", "expires_at"}


@pytest.mark.parametrize("name", ITEMS)
def test_what_an_earlier_version_stored_is_read(name: str) -> None:
    """An upgrade goes on with every finding, whatever else stands in its item."""
    assert decode(Finding, from_item(RECORDED["items"][name])) == ITEMS[name]


@pytest.mark.parametrize("name", MARKS)
def test_what_an_earlier_version_knew_of_a_name_is_read_as_facts(name: str) -> None:
    """An upgrade forgets no grace that runs, and no finding that is open."""
    assert mark_of(RECORDED["items"][name]) == MARKS[name]


@pytest.mark.parametrize("name", ITEMS)
def test_what_is_stored_is_what_an_earlier_version_stored(name: str) -> None:
    """A version gone back to reads what this one wrote: both write the same."""
    stored = {k: v for k, v in RECORDED["items"][name].items() if k not in OF_THE_TABLE}
    assert to_item(encode(ITEMS[name])) == stored


@pytest.mark.parametrize("name", MESSAGES)
def test_what_an_earlier_version_queued_is_read(name: str) -> None:
    """An upgrade answers the checks that wait out their grace meanwhile."""
    assert decode_check(RECORDED["messages"][name]) == MESSAGES[name]


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_queued_is_read_by_an_earlier_version(name: str) -> None:
    """While functions are replaced one by one, an old one reads what a new one queued.

    It needs no cause, which its mark has, and passes over what it does not know.
    """
    before = told(json.loads(RECORDED["messages"][name]))
    now = told(json.loads(encode_check(MESSAGES[name])))
    before.pop("cause", None)
    now.pop("findings", None)
    assert now == before


def told(message: Any) -> Any:
    """The message with its times read: however they are written, they say the same."""
    if isinstance(message, dict):
        return {name: told(value) for name, value in message.items()}
    try:
        return parse_time(message)
    except (TypeError, ValueError):
        return message


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("{}", "version is missing"),
        ('{"version": 2}', "version is 2, not 1"),
        ("[]", "it is list, not an object"),
        ('{"version": 1, "partition": "aws"}', "account.account_id is missing"),
    ],
)
def test_a_refusal_says_what_is_the_matter(body: str, why: str) -> None:
    """Whoever looks at the dead letters reads why a message is there."""
    with pytest.raises(MalformedCheckError, match=f"not a check message: {why}"):
        decode_check(body)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"number": "1"}, "number is str, not a whole number"),
        ({"number": True}, "number is bool, not a whole number"),
        ({"number": Decimal("1.5")}, "number is Decimal, not a whole number"),
        ({"number": Decimal("Infinity")}, "number is Decimal, not a whole number"),
        ({"quiet": 1}, "quiet is int, not true or false"),
        ({"user_name": 7}, "user_name is int, not text"),
        ({"user_name": "\ud800"}, "user_name is not text that UTF-8 can write"),
        ({"status": "CLOSED"}, "status is none of OPEN, RESOLVED"),
        ({"severity": 3}, "severity is int, not text"),
        ({"opened_at": "2026-11-23T12:00:00"}, "opened_at is not a time with its zone"),
        ({"opened_at": "9999-12-31T23:59:59-23:59"}, "opened_at is not a time with its zone"),
        ({"unread": "MFA"}, "unread is str, not a list"),
        ({"outbox": [1]}, "outbox is int, not text"),
        ({"cause": {"event_time": []}}, "cause.event_time is list, not text"),
        ({"account": None}, "account is NoneType, not an object"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(change: dict[str, object], why: str) -> None:
    """The operator is told which field of an item is broken; nothing half-read goes on."""
    with pytest.raises(DecodingError) as refused:
        decode(Finding, encode(recorded.WHOLE_FINDING) | change)
    assert str(refused.value) == why


def test_nothing_that_is_needed_is_made_up() -> None:
    """A finding without one of its dates or ids is no finding."""
    plain = encode(recorded.BARE_FINDING)
    for name in ("account", "user_id", "number", "opened_at", "status", "severity"):
        with pytest.raises(DecodingError, match=f"^{name} is missing$"):
            decode(Finding, {key: value for key, value in plain.items() if key != name})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.sampled_from(sorted(encode(recorded.WHOLE_FINDING))), anything)
def test_any_value_is_read_or_refused(name: str, value: object) -> None:
    """Whatever stands in an item, the reader raises its own error or none."""
    try:
        finding = decode(Finding, encode(recorded.WHOLE_FINDING) | {name: value})
    except DecodingError:
        return
    assert decode(Finding, encode(finding)) == finding


def test_the_whole_of_a_value_names_what_is_unset() -> None:
    """Receivers of an alert find every field that its schema promises."""
    plain = encode(Resolution(recorded.WHOLE_FINDING.resolution.reason), whole=True)  # type: ignore[union-attr]
    assert plain == {
        "reason": "exempted", "groups": [], "exempted_by": "", "exempted_until": None,
        "cause": None,
    }  # fmt: skip


@dataclass(frozen=True)
class Sample:
    """A type that the codec has not been told of."""

    at: datetime
    parts: tuple[Resolution, ...] = ()


def test_a_new_type_needs_no_code_of_its_own() -> None:
    """Whoever adds a type or a field writes it down once."""
    sample = Sample(recorded.START, (recorded.WHOLE_FINDING.resolution,) * 2)  # type: ignore[arg-type]
    assert decode(Sample, json.loads(json.dumps(encode(sample)))) == sample
