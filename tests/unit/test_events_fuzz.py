"""Anything at all handed to the parsers: they return a value or raise their own error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import (
    CheckRequest,
    MalformedCheckError,
    Origin,
    decode_check,
    encode_check,
)
from chalicelib.domain.events import (
    Ignored,
    MalformedEventError,
    MembershipEvent,
    parse_event,
    parse_record,
)
from tests.unit.records import CALLS, NOW, envelope, event, record

texts = st.text() | st.text(st.characters(), max_size=3)  # lone surrogates included
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
calls = st.sampled_from(CALLS)


def replace_at(tree: Any, path: list[int], value: Any) -> Any:
    """The tree with `value` in place of what the path leads to, as far as it leads anywhere."""
    if not path or not isinstance(tree, dict) or not tree:
        return value
    key = list(tree)[path[0] % len(tree)]
    return {**tree, key: replace_at(tree[key], path[1:], value)}


def drop_at(tree: dict[str, Any], path: list[int]) -> dict[str, Any]:
    """The tree without one of its fields."""
    key = list(tree)[path[0] % len(tree)]
    if len(path) > 1 and isinstance(tree[key], dict) and tree[key]:
        return {**tree, key: drop_at(tree[key], path[1:])}
    return {name: value for name, value in tree.items() if name != key}


paths = st.lists(st.integers(0, 30), min_size=1, max_size=3)


def check_event(value: Any) -> None:
    """Parse an envelope; hold what comes of it to the contract."""
    try:
        parsed = parse_event(value, NOW)
    except MalformedEventError:
        return
    assert isinstance(parsed, Ignored) or is_sound(parsed)


def is_sound(parsed: MembershipEvent) -> bool:
    """Whether a parsed event holds nothing but text and times that go on into tables and mail."""
    cause = parsed.cause
    fields = (parsed.user_name, parsed.user_id, parsed.new_name, cause.event_name, cause.event_id)
    more = (cause.actor_arn, cause.actor_type, cause.source_ip, cause.user_agent, cause.group_name)
    is_text = all(field.encode() is not None for field in (*fields, *more))
    return is_text and bool(parsed.user_name) and cause.event_time <= NOW


@given(anything)
def test_any_value_is_answered_or_refused(value: Any) -> None:
    """The parser raises its own error or none, whatever EventBridge hands over."""
    check_event(value)


@given(st.dictionaries(texts, anything, max_size=4))
def test_any_record_is_answered_or_refused(detail: dict[str, Any]) -> None:
    """The same, further in: an object under `detail` from the right source."""
    check_event(envelope(detail))


@given(calls, paths, anything)
def test_a_record_with_one_odd_field_is_answered_or_refused(
    name: str, path: list[int], value: Any
) -> None:
    """Records that look right but for one field, anywhere in the tree."""
    check_event(envelope(replace_at(record(name), path, value)))


@given(calls, paths)
def test_a_record_that_lacks_a_field_is_answered_or_refused(name: str, path: list[int]) -> None:
    """Records that look right but for one field that is not there."""
    check_event(envelope(drop_at(record(name), path)))


@given(calls, st.lists(st.tuples(paths, anything), max_size=6))
def test_a_record_with_many_odd_fields_is_answered_or_refused(
    name: str, changes: list[tuple[list[int], Any]]
) -> None:
    """Any number of odd fields at once; the parser of bare records holds the same contract."""
    detail = record(name)
    for path, value in changes:
        detail = replace_at(detail, path, value)
    try:
        parsed = parse_record(detail, NOW)
    except MalformedEventError:
        return
    assert isinstance(parsed, Ignored) or is_sound(parsed)


MESSAGE = json.loads(
    encode_check(
        CheckRequest(
            event("CreateUser", 0).account,
            "bob",
            NOW,
            Origin.EVENT,
            findings=("aws:123456789012:AIDAQWERTYUIOPASDFGH:1",),
        )
    )
)


def check_message(body: str) -> None:
    """Decode a message; hold what comes of it to the contract."""
    try:
        request = decode_check(body)
    except MalformedCheckError:
        return
    assert isinstance(request.account, Account)
    if isinstance(request, CheckRequest):
        assert request.user_name
        assert request.since.tzinfo is not None
        assert all(isinstance(finding_id, str) for finding_id in request.findings)
    assert decode_check(encode_check(request)) == request


@given(texts | anything.map(json.dumps))
def test_any_message_is_read_or_refused(body: str) -> None:
    """The queue's reader raises its own error or none, whatever lies in the queue."""
    check_message(body)


@given(paths, anything)
def test_a_message_with_one_odd_field_is_read_or_refused(path: list[int], value: Any) -> None:
    """What is read can be written again: nothing odd goes on from here."""
    check_message(json.dumps(replace_at(MESSAGE, path, value)))


@given(paths)
def test_a_message_that_lacks_a_field_is_read_or_refused(path: list[int]) -> None:
    """Any field may be missing."""
    check_message(json.dumps(drop_at(MESSAGE, path)))
