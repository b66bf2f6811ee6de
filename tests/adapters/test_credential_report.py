"""Having the credential report made, and waiting for it, on a stubbed IAM."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from mypy_boto3_iam import IAMClient

from chalicelib.adapters.credential_report import (
    PATIENCE_SECONDS,
    CredentialReport,
    ReportNotReadyError,
    fetch,
    order,
)
from tests.adapters.aws import client
from tests.fakes import RestingClock

MADE = datetime(2026, 1, 1, tzinfo=UTC)
ORDER, FETCH = "generate_credential_report", "get_credential_report"


@pytest.fixture
def iam() -> IAMClient:
    """A client that talks to nobody."""
    made: IAMClient = client("iam")
    return made


@pytest.fixture
def stub(iam: IAMClient) -> Iterator[Stubber]:
    """The client's answers, which must all be asked for."""
    with Stubber(iam) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def ready(stub: Stubber) -> None:
    """The report is there."""
    stub.add_response(FETCH, {"Content": b"user,arn\nann,x\n", "GeneratedTime": MADE})


def test_a_report_that_is_there_is_not_waited_for(iam: IAMClient, stub: Stubber) -> None:
    """One call, and no sleep."""
    clock = RestingClock()
    ready(stub)
    assert fetch(iam, clock.sleep).generated_at == MADE
    assert clock.slept == []


@pytest.mark.parametrize("tries", [1, 3, 7, 9])
def test_a_report_that_takes_its_time_is_waited_for(
    iam: IAMClient, stub: Stubber, tries: int
) -> None:
    """For a minute: given up sooner, every stray would be graded without its credentials."""
    for _ in range(tries):
        stub.add_client_error(FETCH, "ReportInProgress")
    ready(stub)
    assert isinstance(fetch(iam, RestingClock().sleep), CredentialReport)


@pytest.mark.parametrize("patience", [PATIENCE_SECONDS, 20.0, 0.0, -3.0])
def test_the_wait_has_an_end_and_the_last_one_is_followed_by_a_try(
    iam: IAMClient, stub: Stubber, patience: float
) -> None:
    """No longer than there is time, and no second of it in vain."""
    clock = RestingClock()
    waits = sum(1 for _ in waited(patience))
    for _ in range(1 + waits):  # none of them is left over
        stub.add_client_error(FETCH, "ReportInProgress")
    with pytest.raises(ReportNotReadyError):
        fetch(iam, clock.sleep, patience)
    assert len(clock.slept) == waits
    assert max(0.0, patience) - 8 < sum(clock.slept) <= max(0.0, patience)


def waited(patience: float) -> Iterator[float]:
    """How often it is worth asking again: after 1, 2, 4, 8, 8 ... seconds."""
    spent = 0.0
    for pause in (1.0, 2.0, 4.0, *[8.0] * 99):
        spent += pause
        if spent > patience:
            return
        yield pause


@pytest.mark.parametrize("code", ["ReportExpired", "ReportNotPresent"])
def test_a_report_that_is_too_old_or_missing_is_ordered_anew(
    iam: IAMClient, stub: Stubber, code: str
) -> None:
    """The one that was ordered may have been made four hours ago."""
    stub.add_client_error(FETCH, code)
    stub.add_response(ORDER, {"State": "STARTED"})
    stub.add_client_error(FETCH, "ReportInProgress")
    ready(stub)
    assert fetch(iam, RestingClock().sleep).generated_at == MADE


def test_too_many_orders_are_no_reason_to_give_up(iam: IAMClient, stub: Stubber) -> None:
    """Somebody else's order makes the same report."""
    stub.add_client_error(ORDER, "LimitExceeded")
    assert order(iam) == ""


@pytest.mark.parametrize("operation", [ORDER, FETCH])
def test_a_refusal_is_raised(iam: IAMClient, stub: Stubber, operation: str) -> None:
    """No wait helps against a missing permission."""
    stub.add_client_error(operation, "AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        order(iam) if operation == ORDER else fetch(iam, RestingClock().sleep)
