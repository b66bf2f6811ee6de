"""The operator's commands on the deployed monitor: doctor, redrive, findings, check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.times import utc_now
from straywatch.cli import run
from straywatch.deploy.packaging import Package
from straywatch.deploy.stack import Stack, read_stack
from straywatch.deploy.stack_resources import read_resources
from straywatch.doctor.checkout import read_package
from straywatch.doctor.checkup import check_up
from straywatch.doctor.lines import Level
from straywatch.doctor.world import World, asking
from straywatch.local.emulator.surroundings import complete
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


def resource(stack: LocalStack, logical_id: str) -> str:
    """A resource's name in AWS."""
    found = read_resources(stack.session.client("cloudformation"), "straywatch")
    return next(r.physical_id for r in found if r.logical_id == logical_id)


def failing(stack: LocalStack, package: Package) -> dict[str, str]:
    """What the doctor says fails, each with the command that mends it."""
    cloudformation = stack.session.client("cloudformation")
    found = read_stack(cloudformation, "straywatch")
    assert isinstance(found, Stack)
    world = World(
        ask=asking(stack.session), account=Account("aws", "000000000000"), region="us-east-1",
        stack=found, resources=read_resources(cloudformation, "straywatch"),
        checkout=read_package(package), clock=utc_now,
    )  # fmt: skip
    lines = [line for area in check_up(world) for line in area.lines]
    return {line.check: line.mend for line in lines if line.level is Level.FAIL}


def dead_letters(stack: LocalStack) -> int:
    """How many lie in the dead-letter queue."""
    answer = stack.session.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["DeadLetterQueueUrl"], AttributeNames=["All"]
    )
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def sabotage(stack: LocalStack) -> None:
    """Break what a person may break with one careless call each."""
    session, lost = stack.session, "OnMembershipLost"
    rule = resource(stack, f"{lost}OnMembershipLostEvent")
    session.client("events").disable_rule(Name=rule)
    settled = resource(stack, "OnMembershipSettledOnMembershipSettledEvent")
    session.client("events").put_rule(Name=settled, EventPattern='{"source": ["aws.s3"]}')
    functions = session.client("lambda")
    policy = json.loads(functions.get_policy(FunctionName=resource(stack, "Sweep"))["Policy"])
    functions.remove_permission(
        FunctionName=resource(stack, "Sweep"), StatementId=policy["Statement"][0]["Sid"]
    )
    mapping = resource(stack, "CheckMembershipCheckMembershipSqsEventSource")
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    session.client("kms").disable_key(KeyId=resource(stack, "AlertKey"))
    alarm = resource(stack, "DeadLetterAlarm")
    session.client("cloudwatch").disable_alarm_actions(AlarmNames=[alarm])
    session.client("cloudtrail").stop_logging(Name="management-events")


def test_the_doctor_names_each_sabotage_and_its_commands_mend_them(
    stack: LocalStack, package: Package, ask: Ask
) -> None:
    """Healthy at first; broken in seven places; and healthy again by the very commands it names."""
    complete(stack.session, "straywatch", package)
    assert ask("sweep").code in (0, 1)
    assert failing(stack, package) == {}
    sabotage(stack)
    broken = failing(stack, package)
    assert set(broken) == {
        "trail",
        "rule of OnMembershipLost",
        "rule of OnMembershipSettled: pattern",
        "permission to invoke Sweep",
        "check queue to CheckMembership",
        "key",
        "alarm DeadLetterAlarm",
    }
    stack.session.client("cloudtrail").start_logging(Name="management-events")
    del broken["trail"]  # its command names a bucket that only its reader knows
    environment = os.environ | stack.aws.environment()
    environment["PATH"] = f"{_BIN}{os.pathsep}{environment['PATH']}"
    shell = {"shell": True, "check": True, "capture_output": True}  # as a person would paste it
    pasted = partial(subprocess.run, env=environment, **shell)
    with ThreadPoolExecutor(3) as terminals:
        list(terminals.map(pasted, broken.values()))
    said = ask("doctor", "--format", "json")
    assert (said.code, said.told["schema"]) == (0, "straywatch.doctor/1")


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
