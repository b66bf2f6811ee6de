"""`straywatch redrive` on queues of moto's."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from mypy_boto3_sqs import SQSClient

from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import CheckRequest, Origin, encode_check
from chalicelib.times import utc_now
from straywatch.redrive.again import Left, Redrive, Redriven
from straywatch.redrive.handling import handle
from straywatch.redrive.letterbox import Letterbox
from straywatch.redrive.letters import DeadLetter, read_letter
from tests.adapters.conftest import Straywatch
from tests.adapters.moto_stack import moto_stack
from tests.unit.trail import at

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:straywatch-lost:$LATEST"


@dataclass
class Queues:
    """The two queues of a deployment."""

    sqs: SQSClient
    checks: str
    dead: str

    def die(self, body: str, **told: str) -> None:
        """Put a letter into the dead-letter queue."""
        attributes: Any = {k: {"StringValue": v, "DataType": "String"} for k, v in told.items()}
        self.sqs.send_message(QueueUrl=self.dead, MessageBody=body, MessageAttributes=attributes)

    def bodies(self, url: str) -> list[str]:
        """What others find in a queue."""
        found: list[str] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [message["Body"] for message in messages]
        return sorted(found)


@pytest.fixture
def queues(straywatch: Straywatch, keys: dict[str, str], monkeypatch: Any) -> Iterator[Queues]:
    """A deployment's stack, as far as redrive needs it."""
    del straywatch  # it cleans the environment first
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with moto_stack() as outputs:
        yield Queues(boto3.client("sqs"), outputs["CheckQueueUrl"], outputs["DeadLetterQueueUrl"])


def check(name: str) -> str:
    """A check message."""
    request = CheckRequest(Account("aws", "123456789012"), name, at(), Origin.EVENT)
    return encode_check(request)


def test_an_empty_queue_is_fine(straywatch: Straywatch, queues: Queues) -> None:
    """Nothing died: exit 0."""
    said = straywatch("redrive")
    assert (said.code, said.out, said.err) == (0, "No dead letters.\n", "")
    assert queues.bodies(queues.checks) == []


def test_letters_are_shown_and_stay(straywatch: Straywatch, queues: Queues) -> None:
    """Without --yes nothing moves, and others can read them at once."""
    for number in range(25):
        queues.die(check(f"user{number}"), reason="ClientError: \x1b[31mThrottling")
    said = straywatch("redrive")
    assert said.code == 1
    assert said.out.count("Throttling") == 25
    assert "\x1b" not in said.out
    assert "25 letters in the queue; `straywatch redrive --yes`" in said.out
    assert len(queues.bodies(queues.dead)) == 25
    assert queues.bodies(queues.checks) == []


def test_yes_sends_checks_to_their_queue_again(straywatch: Straywatch, queues: Queues) -> None:
    """All of them, each once, and the dead-letter queue is empty."""
    bodies = [check(f"user{number}") for number in range(25)]
    for body in bodies:
        queues.die(body)
    said = straywatch("redrive", "--yes")
    assert said.code == 0
    assert "25 letters under way again" in said.out
    assert queues.bodies(queues.checks) == sorted(bodies)
    assert queues.bodies(queues.dead) == []


def test_what_cannot_be_run_again_stays(straywatch: Straywatch, queues: Queues) -> None:
    """Unreadable letters, and those for a function that is not this deployment's."""
    foreign = {"requestContext": {"functionArn": FUNCTION}, "requestPayload": {}}
    queues.die("garbage")
    queues.die(json.dumps(foreign))
    queues.die(check("ann"))
    said = straywatch("redrive", "--yes", "--format", "json")
    assert said.code == 1
    stays = {e["kind"]: e["stays_because"] for e in json.loads(said.out)["letters"]}
    assert "cannot be read" in stays["unreadable"]
    assert "straywatch-lost" in stays["invocation"]
    assert stays["check"] is None
    assert queues.bodies(queues.dead) == sorted(["garbage", json.dumps(foreign)])


def test_a_reason_chooses(straywatch: Straywatch, queues: Queues) -> None:
    """The others stay, and are counted."""
    queues.die(check("ann"), reason="ClientError: Throttling")
    queues.die(check("bob"), reason="AccessDenied")
    said = straywatch("redrive", "--reason", "throttl", "--yes", "--format", "json")
    told = json.loads(said.out)
    assert ([e["about"] for e in told["letters"]], told["others"], said.code) == (["ann"], 1, 1)
    assert queues.bodies(queues.dead) == [check("bob")]


def test_the_limit_holds(straywatch: Straywatch, queues: Queues) -> None:
    """And says that more may wait."""
    for number in range(13):
        queues.die(check(f"user{number}"))
    said = straywatch("redrive", "--yes", "--limit", "11")
    assert (said.code, "Stopped at --limit 11" in said.out) == (1, True)
    assert len(queues.bodies(queues.dead)) == 2


def test_a_letter_can_be_discarded(straywatch: Straywatch, queues: Queues) -> None:
    """By its id, and only with --yes; an unknown id is no success."""
    queues.die("garbage")
    queues.die(check("ann"))
    letters = json.loads(straywatch("redrive", "--format", "json").out)["letters"]
    garbage = next(e["message_id"] for e in letters if e["kind"] == "unreadable")
    assert straywatch("redrive", "--discard", garbage).code == 2
    assert straywatch("redrive", "--discard", garbage, "--yes").code == 1
    assert straywatch("redrive", "--discard", garbage, "--yes").code == 3
    assert queues.bodies(queues.dead) == [check("ann")]
    assert queues.bodies(queues.checks) == []


@dataclass
class Functions:
    """Lambda, as far as it is invoked; what it does is handed in."""

    invoked: list[dict[str, Any]] = field(default_factory=list)

    def invoke(self, **request: Any) -> None:
        """Take note of an invocation."""
        self.invoked.append(request)


def redrive(queues: Queues, functions: Any) -> Redrive:
    """A redrive into these queues and functions."""
    return Redrive(
        queues.sqs, boto3.client("sns"), functions, queues.checks, frozenset({"straywatch-lost"})
    )


def test_events_go_to_their_function_again(queues: Queues) -> None:
    """Asynchronously, with the very payload that failed or was not delivered."""
    event = {"source": "aws.iam", "detail": {}}
    failed = {"requestContext": {"functionArn": FUNCTION}, "requestPayload": event}
    queues.die(json.dumps(failed))
    queues.die(json.dumps(event), TARGET_ARN=FUNCTION, ERROR_CODE="NO_PERMISSIONS")
    functions, box = Functions(), Letterbox(queues.sqs, queues.dead)
    outcome = handle(box, redrive(queues, functions).again, lambda _: True, 100)
    assert outcome.done == 2
    assert [(i["FunctionName"], i["InvocationType"], json.loads(i["Payload"]))
            for i in functions.invoked] == [("straywatch-lost", "Event", event)] * 2  # fmt: skip
    assert queues.bodies(queues.dead) == []


def test_an_alert_goes_back_to_the_queue_that_gave_up_on_it(queues: Queues) -> None:
    """Whichever channel's it is, as far as SQS tells and the stack has it; else it stays."""
    theirs = queues.sqs.create_queue(QueueName="pages")["QueueUrl"]
    now = str(int(utc_now().timestamp() * 1000))
    for name, where in (("pages", "pages"), ("another", "")):
        arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"
        letter = read_letter(
            {
                "MessageId": name,
                "ReceiptHandle": "r",
                "Body": json.dumps({"schema": "straywatch.alert/1", "type": "opened"}),
                "Attributes": {"SentTimestamp": now, "DeadLetterQueueSourceArn": arn},
            }
        )
        result = replace(redrive(queues, Functions()), queues={"pages": theirs}).again(letter)
        assert isinstance(result, Redriven if where else Left)
    assert len(queues.bodies(theirs)) == 1


def test_a_message_goes_to_its_subscribed_function_again(queues: Queues) -> None:
    """As SNS would have handed it over; one for a subscription that is gone stays."""
    sns = boto3.client("sns")
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    endpoint = FUNCTION.removesuffix(":$LATEST")
    subscription = sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=endpoint)
    for arn in (subscription["SubscriptionArn"], f"{topic}:gone"):
        link = f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={arn}"
        message = {"Type": "Notification", "Message": "{}", "Subject": "x", "UnsubscribeURL": link}
        queues.die(json.dumps(message), ErrorCode="503", ErrorMessage="unavailable")
    functions, box = Functions(), Letterbox(queues.sqs, queues.dead)
    outcome = handle(box, redrive(queues, functions).again, lambda _: True, 100)
    (invoked,) = functions.invoked
    (record,) = json.loads(invoked["Payload"])["Records"]
    assert (invoked["FunctionName"], record["Sns"]["Subject"]) == ("straywatch-lost", "x")
    assert (outcome.done, len(queues.bodies(queues.dead))) == (1, 1)
    assert {letter.reason for letter, _ in outcome.handled} == {"503: unavailable"}


def test_a_letter_is_kept_until_its_work_is_under_way(queues: Queues) -> None:
    """A crash in the middle loses nothing: all that was not sent is there for the next run."""

    class PowerCutError(Exception):
        """The end of a process."""

    def act(letter: DeadLetter) -> Any:
        if letter.about == "bob":
            raise PowerCutError
        return redrive(queues, Functions()).again(letter)

    for name in ("ann", "bob", "eve"):
        queues.die(check(name))
    box = Letterbox(queues.sqs, queues.dead)
    with pytest.raises(PowerCutError):
        handle(box, act, lambda _: True, 100)
    assert check("bob") in queues.bodies(queues.dead)
    assert check("bob") not in queues.bodies(queues.checks)


def test_letters_that_keep_arriving_do_not_keep_it_running(queues: Queues) -> None:
    """Those that came after the beginning stay for the next time."""
    queues.die(check("ann"))
    box = Letterbox(queues.sqs, queues.dead)
    begun = utc_now()
    with_others = []
    for letter in box.letters(begun, 100):
        with_others.append(letter.about)
        time.sleep(0.005)  # SQS stamps letters to the millisecond: what comes now comes later
        queues.die(check(f"late{len(with_others)}"))
    assert with_others == ["ann"]
    assert queues.bodies(queues.dead) == [check("late1")]
