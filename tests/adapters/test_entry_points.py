"""The entry points of app.py, invoked as Lambda does, on an AWS in memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.times import iso
from tests.adapters.aws import REGION
from tests.adapters.stack import Stack, aws_in_memory
from tests.unit.records import envelope, record

ROOT = Path(__file__).resolve().parents[2]
AN_HOUR_AGO = datetime.now(UTC) - timedelta(hours=1)
"""app.py goes by the real clock."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """One AWS for the module, and an environment that leads to it: app.py is wired once."""
    with pytest.MonkeyPatch.context() as environment, aws_in_memory() as made:
        made.create_user("bob", AN_HOUR_AGO)
        variables = made.environment | {
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }
        for name, value in variables.items():
            environment.setenv(name, value)
        yield made


@pytest.fixture(scope="module")
def functions(stack: Stack) -> Iterator[Any]:
    """Chalice's client for the deployed functions."""
    from app import app  # noqa: PLC0415 - what it needs at import is part of what is tested

    assert stack.made == []
    with Client(app, project_dir=str(ROOT)) as client:
        yield client.lambda_


def batch(*bodies: str) -> dict[str, Any]:
    """A batch as Lambda's poller hands it over."""
    return {
        "Records": [
            {
                "messageId": f"19dd0b57-b21e-4ac1-bd88-01bbb068cb{place:02}",
                "receiptHandle": "MessageReceiptHandle",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": "1",
                    "SentTimestamp": "1523232000000",
                    "SenderId": "123456789012",
                    "ApproximateFirstReceiveTimestamp": "1523232000001",
                },
                "messageAttributes": {},
                "md5OfBody": "7b270e59b47ff90a553787216d55d91d",
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:checks",
                "awsRegion": "us-east-1",
            }
            for place, body in enumerate(bodies)
        ]
    }


class Context:
    """What Lambda tells a function of its invocation. Chalice's client gives it three seconds."""

    def get_remaining_time_in_millis(self) -> int:
        """A minute to go."""
        return 60_000


def handed_over(event: dict[str, Any]) -> Any:
    """Have a batch checked, with all the time that Lambda gives it."""
    from app import check_membership  # noqa: PLC0415 - as above

    return check_membership(event, Context())


def test_importing_needs_nothing() -> None:
    """No setting and no client is made at import: a broken one fails the call, not the start."""
    code = (
        "import app; kind = type(app.deployment); print(vars(app.deployment).keys() & vars(kind))"
    )
    bare = {"PATH": os.environ["PATH"], "AWS_EC2_METADATA_DISABLED": "true"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "set()"


def test_importing_brings_in_only_what_every_function_needs() -> None:
    """What the sweep or a stray's check alone needs, they import themselves."""
    code = "import sys, app; print(*sys.modules)"
    bare = {"PATH": os.environ["PATH"]}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=True
    )
    unneeded = {
        "chalicelib.flows.sweep",
        "chalicelib.domain.risk",
        "chalice.cli",
        "straywatch",
        "requests",
    }
    assert unneeded & set(run.stdout.split()) == set()


def test_a_lost_membership_is_queued(functions: Any, stack: Stack) -> None:
    """The function answers with what it did, for whoever reads an invocation's record."""
    answer = functions.invoke(
        "on_membership_lost", envelope(record("CreateUser", eventTime=iso(AN_HOUR_AGO)))
    )
    assert answer.payload == {"outcome": "waiting"}
    (body,) = stack.queued()
    assert json.loads(body)["user_name"] == "bob"


def test_a_settled_membership_is_noted(functions: Any) -> None:
    """Nothing is open about the user: it is remembered, and that is all."""
    answer = functions.invoke("on_membership_settled", envelope(record("AddUserToGroup")))
    assert answer.payload == {"outcome": "noted"}


@pytest.mark.parametrize("function", ["on_membership_lost", "on_membership_settled"])
def test_what_is_not_ours_is_ignored(functions: Any, function: str) -> None:
    """Should a rule ever let it through, the function does no harm."""
    failed = record("CreateUser", errorCode="AccessDenied", requestParameters=None)
    answer = functions.invoke(function, envelope(failed))
    assert answer.payload == {"outcome": "ignored"}


@pytest.mark.parametrize("event", [{}, {"detail": {}}, envelope(None), envelope("x")])
@pytest.mark.parametrize("function", ["on_membership_lost", "on_membership_settled"])
def test_what_is_no_event_fails(functions: Any, function: str, event: dict[str, Any]) -> None:
    """A failure is what Lambda repeats and dead-letters; an answer would be the floor."""
    with pytest.raises(Exception, match=r"detail|version|CloudTrail record"):
        functions.invoke(function, event)


def test_a_poisoned_message_does_not_spoil_its_batch(functions: Any, stack: Stack) -> None:
    """It is dead-lettered with its reason; the others are evaluated; nothing comes again."""
    left = record("RemoveUserFromGroup", eventTime=iso(AN_HOUR_AGO + timedelta(minutes=1)))
    functions.invoke("on_membership_lost", envelope(left))
    (good,) = stack.queued()
    answer = handed_over(batch(good, "poison", good))
    assert answer == {"batchItemFailures": []}
    assert stack.told() == [("opened", "bob")]
    (letter,) = stack.dead()
    assert letter["Body"] == "poison"


def test_a_failing_message_is_named(functions: Any, stack: Stack) -> None:
    """The answer is the partial batch response that the event source mapping asks for."""
    far = json.dumps(
        {
            "version": 1,
            "partition": "aws",
            "account_id": "123456789012",
            "user_name": "bob",
            "since": "9999-12-31T23:59:59+00:00",
            "origin": "event",
            "cause": None,
        }
    )
    answer = functions.invoke("check_membership", batch(far))
    (failed,) = answer.payload["batchItemFailures"]
    assert failed["itemIdentifier"] == "19dd0b57-b21e-4ac1-bd88-01bbb068cb00"
    assert stack.dead() == []
