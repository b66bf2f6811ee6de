"""Messages on the check queue, and how long each is held back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.check_requests import (
    LONGEST_DELAY_SECONDS,
    CheckRequest,
    MalformedCheckError,
    Origin,
    decode_check,
    delay_seconds,
    encode_check,
)
from tests.unit.records import ACCOUNT, NOW, at

REQUEST = CheckRequest(ACCOUNT, "bob", at(-60), Origin.EVENT)
WEEK = 7 * 24 * 3600

moments = st.integers(0, 10**9).map(at)
ids = st.from_regex(r"aws:[0-9]{12}:AIDA[A-Z0-9]{16}:[1-9]", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9_+=,.@-]{1,128}", fullmatch=True)


def changed(**fields: object) -> str:
    """The message with some fields replaced."""
    return json.dumps(json.loads(encode_check(REQUEST)) | fields)


@given(names, moments, st.sampled_from(Origin), st.none() | moments, st.lists(ids))
def test_what_is_written_is_read_back(
    name: str, since: datetime, origin: Origin, due: datetime | None, found: list[str]
) -> None:
    """A check that waits a week means the same when it comes out of the queue."""
    request = CheckRequest(ACCOUNT, name, since, origin, due, tuple(found))
    assert decode_check(encode_check(request)) == request


def test_fractions_of_a_second_survive() -> None:
    """The end of the grace is not rounded on the way."""
    request = replace(REQUEST, since=at(-0.25))
    assert decode_check(encode_check(request)) == request


def test_the_message_says_its_version() -> None:
    """An upgrade finds checks of the older version in flight."""
    assert json.loads(encode_check(REQUEST))["version"] == 1


@pytest.mark.parametrize("version", [0, 2, "1", None, [1]])
def test_another_version_is_refused(version: object) -> None:
    """What was written by rules unknown here is not guessed at; it waits in the dead letters."""
    with pytest.raises(MalformedCheckError, match="version"):
        decode_check(changed(version=version))


@pytest.mark.parametrize("body", ["", "x", "{}", "[]", "null", "1", '"x"', "{" * 9999, "[" * 99999])
def test_what_is_no_message_is_refused(body: str) -> None:
    """Anyone who may send to the queue may send anything."""
    with pytest.raises(MalformedCheckError):
        decode_check(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"user_name": ""},
        {"user_name": None},
        {"user_name": "a b"},
        {"user_name": "\ud800"},
        {"account_id": 123456789012},
        {"partition": None},
        {"since": None},
        {"since": "2026-11-23"},
        {"since": "9999-12-31T23:59:59-23:59"},
        {"origin": "nowhere"},
        {"origin": []},
        {"due": "soon"},
        {"due": 900},
        {"findings": "aws:1:x:1"},
        {"findings": [7]},
        {"findings": ["x"]},
        {"findings": ["aws:1:x:" + "9" * 7]},
        {"since": ["2026-11-23T00:00:00Z"]},
        {"account_id": None},
        {"findings": ["\ud800:1"]},
    ],
)
def test_a_message_with_a_field_that_cannot_be_read_is_refused(fields: dict[str, object]) -> None:
    """Nothing half-read goes on to IAM, the tables or a mail."""
    with pytest.raises(MalformedCheckError):
        decode_check(changed(**fields))


def test_what_an_earlier_version_wrote_besides_is_passed_over() -> None:
    """A cause went along with the message once; the mark has it."""
    assert decode_check(changed(cause={"user_agent": 7}, created_id="AIDA")) == REQUEST


# -- waiting -----------------------------------------------------------------------------------


def hops(grace: float) -> list[int]:
    """The delays of each sending until the grace is over, on a clock that SQS moves on."""
    due, now = at(grace), NOW
    delays = [delay_seconds(due, now)]
    while (now := now + timedelta(seconds=delays[-1])) < due:
        delays.append(delay_seconds(due, now))
        assert delays[-1] > 0, "the message would come back without end"
    return delays


@pytest.mark.parametrize(
    ("grace", "delays"),
    [
        (0, [0]),
        (0.2, [1]),
        (1, [1]),
        (899.5, [900]),
        (900, [900]),
        (901, [900, 1]),
        (3600, [900] * 4),
        (WEEK, [900] * 672),
    ],
)
def test_any_grace_is_waited_out_in_hops_that_sqs_allows(grace: float, delays: list[int]) -> None:
    """SQS holds a message back for 15 minutes at most; a longer wait is sent again and again."""
    assert hops(grace) == delays


@given(st.integers(0, WEEK * 1000))
def test_the_wait_is_over_neither_early_nor_late(milliseconds: int) -> None:
    """The hops end with the grace, to the second, and none is one that SQS would refuse."""
    delays = hops(milliseconds / 1000)
    assert all(0 <= delay <= LONGEST_DELAY_SECONDS for delay in delays)
    assert milliseconds <= sum(delays) * 1000 < milliseconds + 1000


@pytest.mark.parametrize("late", [0, 0.001, 1, 10**9])
def test_what_is_due_is_not_held_back(late: float) -> None:
    """An event that came after its grace was over is checked at once."""
    assert delay_seconds(at(-late), NOW) == 0


def test_a_message_of_another_version_is_refused_by_its_version() -> None:
    """After a way back to an older release the reason in the dead-letter queue says what it is."""
    with pytest.raises(MalformedCheckError, match="version is 9, not 1"):
        decode_check('{"version": 9}')
