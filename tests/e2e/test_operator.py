"""The operator's commands on the deployed monitor: redrive, findings, check."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from straywatch.cli import run
from tests.e2e.local_stack import LocalStack

_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        """Its standard output as JSON."""
        return json.loads(self.out)


Ask = Callable[..., Said]


@pytest.fixture
def ask(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Ask:
    """Run `straywatch` against the stack."""
    for name, value in stack.aws.environment().items():
        monkeypatch.setenv(name, value)

    def start(*arguments: str) -> Said:
        code = run(list(arguments))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return start


def dead_letters(stack: LocalStack) -> int:
    """How many lie in the dead-letter queue."""
    answer = stack.session.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"], AttributeNames=["All"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def test_a_failed_event_is_shown_and_runs_again(stack: LocalStack, ask: Ask) -> None:
    """A function that is denied its queue fails; once it is not, redrive brings the alert."""
    name = stack.name("redriven")
    stack.control.fail("sqs:SendMessage", "AccessDenied", status=403, times=9, caller="Lost")
    stack.iam.create_user(UserName=name)
    stack.until(lambda: dead_letters(stack) == 1, "a dead letter")
    stack.control.reset()
    letter = next(e for e in ask("redrive", "--format", "json").told["letters"]
                  if e["about"] == f"CreateUser {name}")  # fmt: skip
    assert (letter["kind"], "AccessDenied" in letter["reason"]) == ("invocation", True)
    assert ask("redrive", "--yes").code == 0
    assert stack.alert(name).type == "opened"
    assert ask("redrive").out == "No dead letters.\n"


def test_a_check_that_was_set_aside_runs_again(stack: LocalStack, ask: Ask) -> None:
    """IAM denies the look until the check is dead; then redrive has it looked at once more."""
    name = stack.name("again")
    stack.control.plan("lose")
    stack.iam.create_user(UserName=name)
    queue = stack.session.client("sqs")
    body = {
        "version": 1, "partition": "aws", "account_id": "000000000000", "user_name": name,
        "since": "2026-01-01T00:00:00+00:00", "origin": "event", "cause": None,
    }  # fmt: skip
    queue.send_message(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"],
        MessageBody=json.dumps(body),
        MessageAttributes={"reason": {"DataType": "String", "StringValue": "AccessDenied"}},
    )
    assert name in ask("redrive").out
    assert ask("redrive", "--reason", "denied", "--yes").code == 0
    assert stack.alert(name).type == "opened"


def test_a_finding_is_listed_shown_and_its_user_checked(stack: LocalStack, ask: Ask) -> None:
    """From the alert to the list, to its whole life, to a look of now, and to its end."""
    name = stack.name("found")
    stack.iam.create_user(UserName=name)
    stack.alert(name)
    said = ask("findings", "list", "--user", name, "--format", "json")
    assert said.code == 1
    (finding,) = said.told["findings"]
    life = ask("findings", "show", finding["id"])
    assert "CreateUser" in life.out
    assert name in life.out
    check = ask("check", name, "--format", "json")
    assert (check.code, check.told["users"][0]["open_finding"]) == (1, finding["id"])
    group = stack.name("group")
    stack.iam.create_group(GroupName=group)
    stack.iam.add_user_to_group(GroupName=group, UserName=name)
    stack.alert(name, "resolved")
    assert ask("check", name).code == 0
    life = ask("findings", "show", finding["id"])
    assert f"resolved: joined {group}" in life.out
    said = ask("findings", "list", "--user", name, "--state", "resolved", "--format", "json")
    assert (said.code, len(said.told["findings"])) == (0, 1)


def test_a_pause_holds_an_alert_until_it_is_over(stack: LocalStack, ask: Ask) -> None:
    """All are told of it; the finding opens meanwhile, and its alert comes with the end."""
    name = stack.name("paused")
    assert ask("pause", "--for", "25h", "--reason", "OPS-12").code == 2
    assert ask("pause", "--for", "2h", "--reason", "todo").code == 2
    assert ask("resume").code == 2
    assert ask("pause", "--for", "2h", "--reason", "OPS-12: a move").code == 0
    told = stack.inbox.wait(lambda alert: "paused until" in str(alert.body), 10)
    assert "OPS-12: a move" in str(told[0].body)
    stack.iam.create_user(UserName=name)
    listing = ("findings", "list", "--user", name, "--format", "json")
    stack.until(lambda: bool(ask(*listing).told["findings"]), "a finding")
    assert not stack.alerts_after_silence(name)
    assert ask(*listing).told["findings"][0]["unsent"] == ["opened"]
    assert ask("resume").code == 0
    assert stack.alert(name).type == "opened"
    # the check that would have told it at the end of the pause waits on
    stack.session.client("sqs").purge_queue(QueueUrl=stack.outputs["CheckQueueUrl"])
