"""A dead letter tells what it is, why it died and where it goes again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import CheckRequest, Origin, encode_check
from chalicelib.domain.sweep_requests import SweepRequest, encode_sweep
from straywatch.redrive.again import function_name
from straywatch.redrive.letters import DeadLetter, LetterKind, read_letter
from tests.unit.trail import at, created

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:straywatch-lost"
CHECK = encode_check(CheckRequest(Account("aws", "123456789012"), "ann", at(), Origin.EVENT))
EVENT = {"source": "aws.iam", "detail": created(at(), "ann")}


def letter(body: str, **told: str) -> DeadLetter:
    """Read a message with these attributes."""
    attributes = {k: {"StringValue": v, "DataType": "String"} for k, v in told.items()}
    return read_letter(
        {
            "MessageId": "m",
            "ReceiptHandle": "r",
            "Body": body,
            "Attributes": {"SentTimestamp": "1782864000000"},
            "MessageAttributes": attributes,
        }
    )


def failure(**more: Any) -> str:
    """What Lambda sends on failure."""
    context = {"functionArn": f"{FUNCTION}:$LATEST", "condition": "RetriesExhausted"}
    response = {"errorType": "ContentionError", "errorMessage": "kept changing"}
    whole = {"requestContext": context, "requestPayload": EVENT, "responsePayload": response}
    return json.dumps(whole | more)


def test_a_check_tells_its_user_and_the_reason_told_with_it() -> None:
    """It goes again as it is."""
    read = letter(CHECK, reason="ClientError: Throttling")
    assert (read.kind, read.about, read.reason) == (
        LetterKind.CHECK,
        "ann",
        "ClientError: Throttling",
    )
    assert read.payload == CHECK


def test_a_sweep_of_an_account_tells_which() -> None:
    """It goes again as it is; one that cannot be read is for a person."""
    body = encode_sweep(SweepRequest(Account("aws", "222222222222"), at()))
    read = letter(body, reason="TimeoutError: too slow")
    assert (read.kind, read.about) == (LetterKind.SWEEP, "account 222222222222")
    assert (read.reason, read.payload) == ("TimeoutError: too slow", body)
    assert letter('{"kind": "sweep", "version": 2}').kind is LetterKind.UNREADABLE


def test_a_check_that_the_queue_gave_up_on_says_so() -> None:
    """Its own redrive policy tells no reason."""
    assert "too many receives" in letter(CHECK).reason


def test_a_failed_invocation_tells_the_functions_error() -> None:
    """And holds the event that the function was given."""
    read = letter(failure())
    assert (read.kind, read.about) == (LetterKind.INVOCATION, "CreateUser ann")
    assert read.reason == "ContentionError: kept changing"
    assert json.loads(read.payload) == EVENT
    assert function_name(read.function) == "straywatch-lost"


def test_an_invocation_that_never_ran_tells_its_condition() -> None:
    """An event that grew too old has no response."""
    read = letter(failure(responsePayload=None))
    assert read.reason == "RetriesExhausted"


def test_an_undelivered_event_tells_why_the_rule_failed() -> None:
    """And to which function it was going."""
    told = {"TARGET_ARN": FUNCTION, "ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "not allowed"}
    read = letter(json.dumps(EVENT), **told)
    assert (read.kind, read.about) == (LetterKind.DELIVERY, "CreateUser ann")
    assert read.reason == "NO_PERMISSIONS: not allowed"
    assert json.loads(read.payload) == EVENT
    assert function_name(read.function) == "straywatch-lost"


@pytest.mark.parametrize(
    "body", ["", "text", "[]", "{}", CHECK.replace('"version": 1', '"version": 9')]
)
def test_what_cannot_be_read_is_for_a_person(body: str) -> None:
    """It is told as such, with the reason it carries and what is wrong with it."""
    read = letter(body, reason="why")
    assert read.kind is LetterKind.UNREADABLE
    assert read.reason.startswith("why; ")


@settings(max_examples=60, deadline=None)
@given(
    body=st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["requestContext", "requestPayload", "responsePayload", "detail",
                             "version", "cause", "user_name", "requestParameters"]),
            inner,
        ),
    ).map(json.dumps),
    target=st.booleans(),
)  # fmt: skip
def test_no_message_breaks_the_reading(body: str, *, target: bool) -> None:
    """One bad letter must not hide the others."""
    read = letter(body, **({"TARGET_ARN": "x"} if target else {}))
    assert read.kind in LetterKind
