"""People who stopped listening, as SNS tells of them when it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from straywatch.alert_path.listeners import ended, texts
from straywatch.alert_path.subscriptions import Standing, Subscription
from tests.adapters.aws import client

NUMBER = "+15551234567"
MAIL = Subscription("alerts", "email", "ann@example.com", Standing.GETS_IT)
TEXT = Subscription("alerts", "sms", NUMBER, Standing.GETS_IT)
DECLARED = ("AlertTopic", "AlertMail", "HealthMail", "Sweep")


@pytest.fixture
def sns() -> Any:
    """A client that talks to nobody."""
    return client("sns")


@pytest.fixture
def stub(sns: Any) -> Iterator[Stubber]:
    """The client's answers, which must all be asked for."""
    with Stubber(sns) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_subscription_that_somebody_ended_is_named() -> None:
    """CloudFormation shows it as there for ever."""
    (problem,) = ended(DECLARED, [MAIL])
    assert problem.startswith("HealthMail has ended: nobody gets the topic of health by email")


def test_what_is_there_or_was_never_asked_for_is_no_problem() -> None:
    """Nobody is told of a channel that is off."""
    assert list(ended(("AlertTopic", "AlertMail"), [MAIL])) == []


def test_without_a_number_nothing_is_asked(sns: Any, stub: Stubber) -> None:
    """Who deploys without SMS needs no permission for it."""
    assert stub
    assert list(texts(sns, [MAIL])) == []


def answers(stub: Stubber, *, opted_out: bool, in_sandbox: bool, status: str) -> None:
    """What SNS says of the number and of the account."""
    numbers = [{"PhoneNumber": NUMBER, "Status": status}]
    stub.add_response("list_sms_sandbox_phone_numbers", {"PhoneNumbers": numbers})
    stub.add_response("check_if_phone_number_is_opted_out", {"isOptedOut": opted_out})
    if not opted_out:
        stub.add_response("get_sms_sandbox_account_status", {"IsInSandbox": in_sandbox})


@pytest.mark.parametrize(
    ("opted_out", "in_sandbox", "status", "said"),
    [
        (False, False, "Pending", ""),
        (False, True, "Verified", ""),
        (False, True, "Pending", "the account is in the SMS sandbox"),
        (True, False, "Verified", f"{NUMBER} has opted out"),
    ],
)
def test_a_text_that_cannot_arrive_is_told(
    sns: Any, stub: Stubber, *, opted_out: bool, in_sandbox: bool, status: str, said: str
) -> None:
    """SNS takes the message and says nothing."""
    answers(stub, opted_out=opted_out, in_sandbox=in_sandbox, status=status)
    problems = list(texts(sns, [MAIL, TEXT]))
    assert [problem[: len(said)] for problem in problems] == ([said] if said else [])


def test_what_cannot_be_asked_is_raised(sns: Any, stub: Stubber) -> None:
    """Without the permission it is neither fine nor broken: whoever asked says so."""
    stub.add_client_error("list_sms_sandbox_phone_numbers", "AuthorizationError", "no")
    with pytest.raises(ClientError, match="AuthorizationError"):
        list(texts(sns, [TEXT]))
