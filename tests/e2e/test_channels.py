"""Every channel of the packaged application, from an IAM call to its real receiver and back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from straywatch.cli import cli
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import Package
from straywatch.local.emulator.process import running_emulator
from straywatch.local.receivers.channels import PHONE, Channels, open_channels
from straywatch.local.receivers.inbox import READER, open_inbox
from straywatch.local.receivers.pagerduty import ROUTING_KEY, Incident, Trouble
from tests.channels import FUNCTIONS, logical_id
from tests.e2e.local_stack import GRACE_SECONDS, STACK, LocalStack

DIGEST_ABOVE = 5
"""More findings than the tests before the flood open together."""


@dataclass(frozen=True)
class Wired:
    """A deployed monitor with all of its channels, each ending in a receiver."""

    stack: LocalStack
    channels: Channels

    def incident(self, key: str) -> Incident | None:
        """The incident of a finding or digest."""
        return self.channels.pager.incidents.get(key)

    def cards(self, finding_id: str) -> list[dict[str, Any]]:
        """The chat cards of one thread."""
        found = map(json.loads, self.channels.chat.kept)
        return [card for card in found if card["metadata"]["threadId"] == finding_id]

    def in_hub(self, finding_id: str) -> dict[str, Any]:
        """The finding as Security Hub has it; empty if it has none."""
        findings = self.stack.control.security_hub()
        return next((dict(f) for f in findings if f["Id"] == finding_id), {})

    def on_bus(self, finding_id: str) -> list[str]:
        """What the bus has heard of a finding, and what the finding was by then."""
        return [
            f"{event['detail-type'].split()[-1]} {event['detail']['status_now']}"
            for event in self.channels.bus.events()
            if (event["detail"]["finding"] or {}).get("id") == finding_id
        ]

    def mails(self, name: str) -> list[str]:
        """The subjects of the mails that the reader got about a name."""
        return [m["subject"] for m in self.stack.control.mail() if f" {name} " in m["subject"]]

    def sweep(self) -> None:
        """Look at the whole account now."""
        client = self.stack.session.client("lambda")
        answer = client.invoke(FunctionName=self.stack.outputs["SweepFunctionName"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()

    def dead_letters(self) -> list[str]:
        """Take all dead letters."""
        sqs = self.stack.session.client("sqs")
        queue_url = self.stack.outputs["DeadLetterQueueUrl"]
        read = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        for message in read.get("Messages", []):
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in read.get("Messages", [])]


@pytest.fixture(scope="module")
def wired(package: Package) -> Iterator[Wired]:
    """One stack for this module, with every channel switched on."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        with open_channels(session) as channels:
            outputs = deploy(
                session,
                package,
                STACK,
                {
                    "GracePeriodSeconds": str(GRACE_SECONDS),
                    "AlertEmail": READER,
                    "DigestAbove": str(DIGEST_ABOVE),
                    **channels.parameters,
                },
                progress=lambda _: None,
                approve=lambda _: True,
                sleep=lambda _: time.sleep(0.1),
            )
            channels.subscribe(outputs)
            inbox = open_inbox(session, outputs["AlertTopicArn"])
            yield Wired(LocalStack(aws, session, outputs, inbox, GRACE_SECONDS), channels)


def test_a_finding_opens_and_closes_in_every_channel(wired: Wired) -> None:
    """One publish reaches mail, SMS, webhook, chat, pager, bus, Security Hub; so does its end."""
    stack = wired.stack
    name = stack.name("frank")
    stack.iam.create_user(UserName=name)
    finding_id = stack.alert(name).body["finding"]["id"]
    stack.until(lambda: wired.incident(finding_id) is not None, "an incident")
    stack.until(lambda: len(wired.cards(finding_id)) == 1, "a card")
    stack.until(lambda: wired.in_hub(finding_id) != {}, "a finding in Security Hub")
    stack.until(lambda: wired.on_bus(finding_id) == ["Opened OPEN"], "an event on the bus")
    assert wired.in_hub(finding_id)["Compliance"]["Status"] == "FAILED"
    stack.iam.create_group(GroupName=name)
    stack.iam.add_user_to_group(GroupName=name, UserName=name)
    stack.alert(name, "resolved")
    stack.until(lambda: not _is_open(wired.incident(finding_id)), "the incident's end")
    stack.until(lambda: len(wired.cards(finding_id)) == 2, "a card under the first")
    stack.until(
        lambda: wired.in_hub(finding_id)["RecordState"] == "ARCHIVED", "the end in Security Hub"
    )
    stack.until(lambda: wired.on_bus(finding_id)[1:] == ["Resolved RESOLVED"], "the end on the bus")
    incident = wired.incident(finding_id)
    assert incident is not None
    assert (incident.opened, incident.closed) == (1, 1)
    assert [subject.split("]")[0] for subject in wired.mails(name)] == ["[LOW", "[RESOLVED"]
    sent = stack.control.texts()
    texts = [text["text"] for text in sent if name in text["text"] and text["to"] == PHONE]
    assert len(texts) == 2
    assert all(len(text.encode()) <= 140 for text in texts)
    heard = [json.loads(text) for text in wired.channels.webhook.kept]
    stack.until(
        lambda: sum(name in text for text in wired.channels.webhook.kept) == 2, "both webhooks"
    )
    assert all(body["schema"] == "straywatch.alert/1" for body in heard)
    assert wired.channels.webhook.refused == wired.channels.chat.refused == []
    assert wired.channels.pager.refused == []


def _is_open(incident: Incident | None) -> bool:
    return incident is None or incident.is_open


def test_the_commands_of_an_alert_fix_it(wired: Wired, tmp_path: Path) -> None:
    """Pasted into a shell once it is said which group and why; until then it refuses them."""
    stack = wired.stack
    name = f"-{stack.name('rf=,.@+_')}"
    stack.iam.create_user(UserName=name)
    commands = stack.alert(name).body["remediation"]["commands"]
    environment = {
        **stack.aws.environment(),
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": str(tmp_path),
    }
    pasted = [
        subprocess.run(
            ["sh", "-c", command], env=environment, cwd=tmp_path, check=False, capture_output=True
        ).returncode
        for command in commands
    ]
    assert [code == 0 for code in pasted] == [True, False, False]
    group = stack.name("nurses")
    stack.iam.create_group(GroupName=group)
    subprocess.run(
        ["sh", "-e", "-c", "\n".join(commands)],
        env=environment | {"GROUP": group, "WHY": "OPS-12 build robot"},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    groups = stack.iam.list_groups_for_user(UserName=name)["Groups"]
    assert [each["GroupName"] for each in groups] == [group]
    tags = {tag["Key"]: tag["Value"] for tag in stack.iam.list_user_tags(UserName=name)["Tags"]}
    assert tags.keys() == {"straywatch:exempt", "straywatch:exempt-until"}
    assert stack.alert(name, "resolved").body["finding"]["resolution"]["reason"] == "joined_group"


def test_an_outage_of_the_pager_delays_its_incident(wired: Wired) -> None:
    """Three attempts fail, Lambda tries again, and the incident opens once."""
    stack, pager = wired.stack, wired.channels.pager
    pager.troubles.extend([Trouble(503), Trouble(429), Trouble(500)])
    name = stack.name("outage")
    stack.iam.create_user(UserName=name)
    finding_id = stack.alert(name).body["finding"]["id"]
    stack.until(lambda: wired.incident(finding_id) is not None, "an incident after the outage")
    incident = wired.incident(finding_id)
    assert incident is not None
    assert (incident.opened, incident.triggers) == (1, 1)
    assert wired.dead_letters() == []


def test_what_no_channel_takes_is_dead_lettered(wired: Wired) -> None:
    """A refused key, a topic that denies: each letter has all that is needed to run it again."""
    stack, pager = wired.stack, wired.channels.pager
    pager.routing_key = "f" * 32
    stack.control.fail("sns:Publish", "InternalError", times=99, caller="PostToChat")
    stack.control.fail("events:PutEvents", "InternalException", times=99, caller="PutOnEventBus")
    name = stack.name("refused")
    letters: list[str] = []
    try:
        stack.iam.create_user(UserName=name)
        stack.alert(name)

        def all_there() -> bool:
            letters.extend(wired.dead_letters())
            return len(letters) == 3

        stack.until(all_there, "a dead letter of pager, chat and bus")
    finally:
        pager.routing_key = ROUTING_KEY
        stack.control.reset()
    assert all(name in json.dumps(json.loads(letter)["requestPayload"]) for letter in letters)
    assert all(ROUTING_KEY not in letter for letter in letters)


def test_a_flood_is_told_in_one_message(wired: Wired) -> None:
    """People get few mails and one digest, the pager one incident; machines get every finding."""
    stack = wired.stack
    names = [stack.name("flood") for _ in range(DIGEST_ABOVE + 1)]
    for name in names:
        stack.iam.create_user(UserName=name)
    alerts = {name: stack.alert(name) for name in names}
    muted = [name for name in names if alerts[name].attributes["audience"] == "machines"]
    assert muted
    wired.sweep()
    digest = _digest(wired)
    assert digest["open"] == digest["told_here_alone"] == len(muted)
    assert {each["user_name"] for each in digest["worst"]} == set(muted)
    stack.until(lambda: wired.incident(digest["id"]) is not None, "one incident for all")
    assert not any(wired.mails(name) for name in muted)
    assert not any(wired.incident(alerts[name].body["finding"]["id"]) for name in muted)
    stack.until(
        lambda: all(wired.in_hub(alerts[name].body["finding"]["id"]) for name in names),
        "every finding in Security Hub",
    )
    for name in names:
        stack.iam.delete_user(UserName=name)
    for name in names:
        stack.alert(name, "resolved")
    wired.sweep()
    assert _digest(wired)["open"] == 0
    stack.until(lambda: not _is_open(wired.incident(digest["id"])), "the end of the incident")
    assert not any(wired.mails(name) for name in muted)


def _digest(wired: Wired) -> dict[str, Any]:
    """The digest that a sweep has just sent."""
    seen = len([alert for alert in wired.stack.inbox.alerts if alert.type == "digest"])
    found: list[Any] = []

    def arrived() -> bool:
        wired.stack.inbox.poll()
        found[:] = [a for a in wired.stack.inbox.alerts if a.type == "digest"][seen:]
        return bool(found)

    wired.stack.until(arrived, "a digest")
    digest: dict[str, Any] = found[-1].body["digest"]
    return digest


def test_a_test_alert_takes_the_real_path(wired: Wired) -> None:
    """`straywatch test-alert` names every subscription, and its incident closes by a second one."""
    arguments = ["test-alert", "--format", "json", "--severity", "critical"]
    environment = wired.stack.aws.environment()
    runner = CliRunner(env=environment)
    answer = runner.invoke(cli, arguments, standalone_mode=False)
    told = json.loads(answer.stdout)
    assert answer.return_value == 0, told
    # it has no SMS sandbox to ask about: not to know is neither fine nor a problem
    assert [note.partition(":")[0] for note in told["notes"]] == [
        "whether text messages arrive is not known"
    ]
    standings = {(each["topic"], each["protocol"]) for each in told["subscriptions"]}
    assert standings >= {("alerts", "email"), ("alerts", "sms"), ("alerts", "lambda")}
    assert standings >= {("alerts", "http"), ("chat", "http"), ("health", "email")}
    pager = wired.channels.pager
    wired.stack.until(lambda: _tests_open(pager.incidents) == 1, "a test incident")
    answer = runner.invoke(cli, [*arguments, "--type", "resolved"], standalone_mode=False)
    assert answer.return_value == 0
    wired.stack.until(lambda: _tests_open(pager.incidents) == 0, "the end of the test incident")


def _tests_open(incidents: dict[str, Incident]) -> int:
    shown = [each for each in incidents.values() if each.summary.startswith("[TEST]")]
    return sum(each.is_open for each in shown)


def test_the_monitors_own_alarm_pages(wired: Wired) -> None:
    """An alarm on the dead-letter queue reaches the pager over the health topic, and ends there."""
    sns = wired.stack.session.client("sns")
    arn = f"{wired.stack.outputs['HealthTopicArn'].replace(':sns:', ':cloudwatch:')}"
    alarm = {"AlarmName": "DeadLetterAlarm", "AlarmArn": arn, "NewStateReason": "1 > 0"}
    for state in ("ALARM", "OK"):
        message = json.dumps(alarm | {"NewStateValue": state})
        sns.publish(TopicArn=wired.stack.outputs["HealthTopicArn"], Message=message)
        wired.stack.until(
            lambda open_=state == "ALARM": (  # type: ignore[misc] # bound in this very turn
                wired.incident(arn) is not None and _is_open(wired.incident(arn)) is open_
            ),
            f"the incident in {state}",
        )


def test_tampering_is_mailed_and_pages(wired: Wired) -> None:
    """A role of the monitor is changed: the rule's own message reaches mail and pager."""
    stack, pager = wired.stack, wired.channels.pager
    role = stack.role_of("heartbeat")
    nothing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}],
    }
    stack.iam.put_role_policy(
        RoleName=role, PolicyName="silent", PolicyDocument=json.dumps(nothing)
    )
    stack.iam.delete_role_policy(RoleName=role, PolicyName="silent")

    def paged() -> list[str]:
        return [each.summary for each in pager.incidents.values() if "tampering" in each.dedup_key]

    stack.until(lambda: len(paged()) == 2, "an incident for each call")
    assert sorted(summary.split()[1] for summary in paged()) == [
        "DeleteRolePolicy",
        "PutRolePolicy",
    ]
    mailed = [mail["text"] for mail in stack.control.mail() if '"tampering"' in mail["text"]]
    assert len(mailed) == 2
    assert json.loads(mailed[0])["call"] == "PutRolePolicy"


def test_each_channel_may_do_what_it_does_and_no_more(wired: Wired) -> None:
    """By the time all of the above is done, every granted action has been used."""
    for function in FUNCTIONS:
        assert wired.stack.used(function) == wired.stack.granted(function)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_channel_that_is_off_does_not_exist(stack: LocalStack, function: str) -> None:
    """Off by default: no function, no role, no subscription, no cost."""
    found = stack.session.client("cloudformation").describe_stack_resources(StackName=STACK)
    names = [resource["LogicalResourceId"] for resource in found["StackResources"]]
    assert not [name for name in names if name.startswith(logical_id(function))]
