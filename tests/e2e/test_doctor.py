"""The doctor on the deployed monitor: healthy with every channel; what was sabotaged it repairs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.times import utc_now
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import Package
from straywatch.deploy.stack import Stack, read_stack
from straywatch.doctor.checkout import read_package
from straywatch.doctor.checkup import check_up
from straywatch.doctor.deployment import read_world
from straywatch.doctor.lines import Level, Line
from straywatch.local.emulator.process import LocalAws, running_emulator
from straywatch.local.emulator.session import LocalSession
from straywatch.local.emulator.surroundings import complete
from straywatch.local.receivers.channels import open_channels
from straywatch.local.receivers.inbox import READER

STAGE = "ward"
NAME = f"straywatch-{STAGE}"
_BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Patient:
    """A deployment with every channel, under a stage of its own."""

    aws: LocalAws
    session: LocalSession
    package: Package

    def client(self, service: str) -> Any:
        """A client of its AWS."""
        return self.session.client(service)

    def id(self, logical_id: str) -> str:
        """A resource's name in AWS."""
        found = self.client("cloudformation").describe_stack_resource(
            StackName=NAME, LogicalResourceId=logical_id
        )
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def arn(self, queue: str) -> str:
        """A queue's ARN."""
        return f"arn:aws:sqs:us-east-1:000000000000:{self.id(queue).rsplit('/', 1)[-1]}"

    def lines(self) -> list[Line]:
        """What the doctor says of it."""
        stack = read_stack(self.client("cloudformation"), NAME)
        assert isinstance(stack, Stack)
        checkout = read_package(self.package)
        account = Account("aws", "000000000000")
        world = read_world(self.session, account, stack, checkout, utc_now)
        return [line for area in check_up(world) for line in area.lines]

    def problems(self) -> list[Line]:
        """What it warns of, what fails, and what it could not look at."""
        bad = (Level.FAIL, Level.WARN)
        return [line for line in self.lines() if line.level in bad or line.failed_to_look]

    def paste(self, command: str, *, succeeds: bool = True) -> str:
        """Run a command as a person would who pastes it into a shell."""
        environment = os.environ | self.aws.environment()
        for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
            environment.pop(name, None)  # the command itself says where
        environment["PATH"] = f"{_BIN}{os.pathsep}{environment['PATH']}"
        shell: dict[str, Any] = {"shell": True, "capture_output": True, "text": True}
        done = subprocess.run(command, check=False, env=environment, **shell)
        assert done.returncode == 0 or not succeeds, (command, done.stdout, done.stderr)
        return str(done.stdout)


@pytest.fixture(scope="module")
def patient(package: Package) -> Iterator[Patient]:
    """One stack for this module, with every channel switched on, swept once."""
    with running_emulator(retry_seconds=0.2) as aws:
        session = aws.session()
        with open_channels(session) as channels, pytest.MonkeyPatch.context() as patch:
            outputs = deploy(
                session,
                package,
                NAME,
                {"AlertEmail": READER, **channels.parameters},
                progress=lambda _: None,
                approve=lambda _: True,
                sleep=lambda _: time.sleep(0.1),
            )
            channels.subscribe(outputs)
            complete(session, NAME, package)
            sweep = outputs["SweepFunctionName"]
            answer = session.client("lambda").invoke(FunctionName=sweep, Payload=b"{}")
            assert "FunctionError" not in answer
            patch.setenv("AWS_ENDPOINT_URL", session.endpoint)
            yield Patient(aws, session, package)


Act = Callable[[Patient], None]
NOBODY = {"Version": "2012-10-17", "Statement": []}


def deny(resource: str, action: str) -> dict[str, Any]:
    """A statement that shuts everybody out."""
    return {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}


def function(**changes: Any) -> Act:
    """Change the settings of the checking function."""

    def act(patient: Patient) -> None:
        name = patient.id("CheckMembership")
        patient.client("lambda").update_function_configuration(FunctionName=name, **changes)

    return act


def other_environment(patient: Patient) -> None:
    """Let one function's settings be unlike the stack's."""
    functions, name = patient.client("lambda"), patient.id("OnMembershipLost")
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    changed = variables | {"GRACE_PERIOD_SECONDS": "604800"}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})


def other_code(patient: Patient) -> None:
    """Put other code in a function's place."""
    name = patient.id("OnMembershipSettled")
    archive = patient.client("lambda").get_function(FunctionName=name)["Code"]
    assert archive
    patient.client("lambda").update_function_code(FunctionName=name, ZipFile=_EMPTY_ZIP)


_EMPTY_ZIP = b"PK\x05\x06" + b"\0" * 18


def no_permission(patient: Patient) -> None:
    """Take from the schedule what lets it invoke the sweep."""
    functions, name = patient.client("lambda"), patient.id("Sweep")
    policy = json.loads(functions.get_policy(FunctionName=name)["Policy"])
    functions.remove_permission(FunctionName=name, StatementId=policy["Statement"][0]["Sid"])


def queue(name: str, **attributes: Any) -> Act:
    """Set attributes of a queue."""
    return lambda patient: patient.client("sqs").set_queue_attributes(
        QueueUrl=patient.id(name), Attributes=attributes
    )


def topic(name: str, attribute: str, value: Callable[[Patient], str]) -> Act:
    """Set an attribute of a topic."""
    return lambda patient: patient.client("sns").set_topic_attributes(
        TopicArn=patient.id(name), AttributeName=attribute, AttributeValue=value(patient)
    )


def subscription(name: str, attribute: str, value: str) -> Act:
    """Set an attribute of a subscription."""
    return lambda patient: patient.client("sns").set_subscription_attributes(
        SubscriptionArn=patient.id(name), AttributeName=attribute, AttributeValue=value
    )


def rule(name: str, **changes: Any) -> Act:
    """Put a rule anew."""
    return lambda patient: patient.client("events").put_rule(Name=patient.id(name), **changes)


def target(name: str, **changes: Any) -> Act:
    """Change the target of a rule."""

    def act(patient: Patient) -> None:
        events, which = patient.client("events"), patient.id(name)
        (one,) = events.list_targets_by_rule(Rule=which)["Targets"]
        events.put_targets(Rule=which, Targets=[one | changes])

    return act


def mapping(name: str, **changes: Any) -> Act:
    """Change an event source mapping."""
    return lambda patient: patient.client("lambda").update_event_source_mapping(
        UUID=patient.id(name), **changes
    )


def alarm(name: str, **changes: Any) -> Act:
    """Put an alarm anew."""

    def act(patient: Patient) -> None:
        alarms = patient.client("cloudwatch")
        (found,) = alarms.describe_alarms(AlarmNames=[patient.id(name)])["MetricAlarms"]
        kept = {k: found[k] for k in _OF_ALARM if k in found}
        alarms.put_metric_alarm(**kept | changes)

    return act


_OF_ALARM = (
    "AlarmName", "AlarmActions", "OKActions", "MetricName", "Namespace", "Statistic", "Dimensions",
    "Period", "EvaluationPeriods", "Threshold", "ComparisonOperator", "TreatMissingData",
)  # fmt: skip


def no_schedule(patient: Patient) -> None:
    """Delete the rule that has the account swept."""
    events, name = patient.client("events"), patient.id("SweepSweepSchedule")
    events.remove_targets(Rule=name, Ids=["SweepSweepScheduleLambdaTarget"])
    events.delete_rule(Name=name)


def thief(patient: Patient) -> None:
    """Let another function take from the check queue."""
    patient.client("lambda").create_event_source_mapping(
        EventSourceArn=patient.arn("CheckQueue"), FunctionName=patient.id("PageOnCall")
    )


def trust(patient: Patient) -> None:
    """Let nobody take the checking function's role."""
    patient.client("iam").update_assume_role_policy(
        RoleName=patient.id("CheckMembershipRole"),
        PolicyDocument=json.dumps(NOBODY | {"Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"},
             "Action": "sts:AssumeRole"}]}),
    )  # fmt: skip


def boundary(patient: Patient) -> None:
    """Bound the sweep's role."""
    iam = patient.client("iam")
    document = json.dumps(NOBODY | {"Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})  # fmt: skip
    made = iam.create_policy(PolicyName="nothing-much", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=patient.id("SweepRole"), PermissionsBoundary=made)


def denying_role(patient: Patient) -> None:
    """Deny a role what its own policy allows."""
    patient.client("iam").put_role_policy(
        RoleName=patient.id("PageOnCallRole"),
        PolicyName="deny",
        PolicyDocument=json.dumps(NOBODY | {"Statement": [
            {"Effect": "Deny", "Action": "*", "Resource": "*"}]}),
    )  # fmt: skip


def key_policy(patient: Patient) -> None:
    """Shut the alarms out of the key."""
    kms, key = patient.client("kms"), patient.id("AlertKey")
    document = json.loads(kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"])
    document["Statement"].pop()
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(document))


SABOTAGES: dict[str, tuple[Act, str, str]] = {
    "wrong handler": (
        function(Handler="app.no_such"), "function CheckMembership", "Handler is app.no_such"),
    "timeout of a second": (
        function(Timeout=1), "function CheckMembership", "Timeout is 1;"),
    "other settings": (
        other_environment, "function OnMembershipLost", "GRACE_PERIOD_SECONDS is 604800"),
    "other code": (other_code, "function OnMembershipSettled", "Code is "),
    "never runs": (
        lambda p: p.client("lambda").put_function_concurrency(
            FunctionName=p.id("Sweep"), ReservedConcurrentExecutions=0),
        "function Sweep", "ReservedConcurrentExecutions is 0"),
    "schedule may not invoke": (
        no_permission, "function Sweep", "Policy lacks"),
    "failures dropped": (
        lambda p: p.client("lambda").put_function_event_invoke_config(
            FunctionName=p.id("Sweep"), Qualifier="$LATEST", MaximumRetryAttempts=0),
        "failed events SweepEventInvokeConfig", "MaximumRetryAttempts is 0"),
    "mapping to another function": (
        lambda p: mapping("CheckMembershipCheckMembershipSqsEventSource",
                          FunctionName=p.id("PostToChat"))(p),
        "event source CheckMembershipCheckMembershipSqsEventSource", "FunctionName is "),
    "mapping that drops everything": (
        mapping("ImportToSecurityHubImportToSecurityHubSqsEventSource",
                FilterCriteria={"Filters": [{"Pattern": '{"body": {"nothing": ["ever"]}}'}]}),
        "event source ImportToSecurityHubImportToSecurityHubSqsEventSource", "FilterCriteria"),
    "thief of checks": (thief, "queue CheckQueue", "TakenBy has"),
    "sweep every 30 days": (
        rule("SweepSweepSchedule", ScheduleExpression="rate(30 days)"),
        "rule SweepSweepSchedule", "rate(30 days); the template says rate(1 hour)"),
    "rule disabled": (
        lambda p: p.client("events").disable_rule(
            Name=p.id("OnMembershipLostOnMembershipLostEvent")),
        "rule OnMembershipLostOnMembershipLostEvent", "State is DISABLED"),
    "pattern of S3": (
        rule("OnMembershipSettledOnMembershipSettledEvent", EventPattern='{"source": ["aws.s3"]}'),
        "rule OnMembershipSettledOnMembershipSettledEvent", "EventPattern"),
    "constant input": (
        target("OnMembershipLostOnMembershipLostEvent", Input="{}"),
        "rule OnMembershipLostOnMembershipLostEvent", "Targets.Input is {}"),
    "retention of a minute": (
        queue("CheckQueue", MessageRetentionPeriod="60"),
        "queue CheckQueue", "MessageRetentionPeriod is 60"),
    "never dead-lettered": (
        queue("CheckQueue", RedrivePolicy=""), "queue CheckQueue", "RedrivePolicy is not set"),
    "dead letters refused": (
        lambda p: queue("DeadLetterQueue", Policy=json.dumps(NOBODY | {"Statement": [
            deny(p.arn("DeadLetterQueue"), "sqs:SendMessage")]}))(p),
        "queue DeadLetterQueue", "a statement that denies"),
    "publishing denied to all": (
        topic("AlertTopic", "Policy", lambda p: json.dumps(NOBODY | {"Statement": [
            deny(p.id("AlertTopic"), "sns:Publish")]})),
        "topic AlertTopic", "a statement that denies"),
    "topic under AWS's key": (
        topic("HealthTopic", "KmsMasterKeyId", lambda _: "alias/aws/sns"),
        "topic HealthTopic", "KmsMasterKeyId is alias/aws/sns"),
    "filter that drops every mail": (
        subscription("AlertMail", "FilterPolicy", '{"audience": ["nobody"]}'),
        "subscription AlertMail", "FilterPolicy.audience"),
    "filter on alarms": (
        subscription("HealthText", "FilterPolicy", '{"type": ["opened"]}'),
        "subscription HealthText", "FilterPolicy"),
    "envelope for Security Hub": (
        subscription("ImportSubscription", "RawMessageDelivery", "false"),
        "subscription ImportSubscription", "RawMessageDelivery is false"),
    "mail unsubscribed": (
        lambda p: p.client("sns").unsubscribe(SubscriptionArn=p.id("HealthMail")),
        "subscription HealthMail", "was deleted"),
    "broken trust": (trust, "role CheckMembershipRole", "AssumeRolePolicyDocument lacks"),
    "bounded": (boundary, "role SweepRole", "PermissionsBoundary is"),
    "denied by another policy": (
        denying_role, "role PageOnCallRole", "Policies has a statement that denies"),
    "key shut to alarms": (key_policy, "key AlertKey", "KeyPolicy lacks"),
    "key disabled": (
        lambda p: p.client("kms").disable_key(KeyId=p.id("AlertKey")),
        "key AlertKey", "KeyState is Disabled"),
    "impossible threshold": (
        alarm("DeadLetterAlarm", Threshold=1000000.0),
        "alarm DeadLetterAlarm", "Threshold is 1000000; the template says 0"),
    "alarm on another queue": (
        alarm("CheckBacklogAlarm", Dimensions=[{"Name": "FunctionName", "Value": "other"}]),
        "alarm CheckBacklogAlarm", "Dimensions.Value is other"),
    "alarm to nowhere": (
        alarm("SweepSilentAlarm", AlarmActions=["arn:aws:sns:us-east-1:000000000000:nowhere"]),
        "alarm SweepSilentAlarm", "AlarmActions lacks"),
    "alarm deleted": (
        lambda p: p.client("cloudwatch").delete_alarms(AlarmNames=[p.id("CheckBacklogAlarm")]),
        "alarm CheckBacklogAlarm", "was deleted"),
    "log group deleted": (
        lambda p: p.client("logs").delete_log_group(logGroupName=p.id("LogGroup")),
        "log group LogGroup", "was deleted"),
    "mapping deleted": (
        lambda p: p.client("lambda").delete_event_source_mapping(
            UUID=p.id("ImportToSecurityHubImportToSecurityHubSqsEventSource")),
        "event source ImportToSecurityHubImportToSecurityHubSqsEventSource", "was deleted"),
    "function deleted": (
        lambda p: p.client("lambda").delete_function(FunctionName=p.id("PostToChat")),
        "function PostToChat", "was deleted"),
    "rule deleted": (
        no_schedule, "rule SweepSweepSchedule", "was deleted"),
    "no expiry": (
        lambda p: p.client("dynamodb").update_time_to_live(
            TableName=p.id("StateTable"), TimeToLiveSpecification={
                "Enabled": False, "AttributeName": "expires_at"}),
        "table StateTable", "TimeToLiveSpecification"),
    "no backups": (
        lambda p: p.client("dynamodb").update_continuous_backups(
            TableName=p.id("FindingsTable"),
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}),
        "table FindingsTable", "PointInTimeRecovery"),
}  # fmt: skip
"""Each by one careless call or two: what is done, the check that names it, and its words."""

LATER = ("alarm deleted", "mapping deleted", "function deleted", "rule deleted")
"""What would hide another sabotage of the same resource: done in a second round."""


def named(lines: list[Line], check: str, words: str) -> Line | None:
    """The line that tells of a sabotage."""
    return next((x for x in lines if x.check.startswith(check) and words in x.seen), None)


def sabotage(patient: Patient, names: list[str]) -> list[Line]:
    """Do it all at once, and return what the doctor says; it must name each."""
    for name in names:
        SABOTAGES[name][0](patient)
    found = patient.problems()
    unseen = [name for name in names if named(found, *SABOTAGES[name][1:]) is None]
    assert unseen == [], [(line.check, line.seen) for line in found]
    return found


def test_a_deployment_with_every_channel_is_healthy(patient: Patient) -> None:
    """Nothing warns, nothing fails and every look succeeds, with all that can be switched on."""
    assert patient.problems() == []


def test_each_sabotage_is_named_and_the_repair_that_is_named_mends_it(patient: Patient) -> None:
    """By its own words, with the one command for the resource; one command mends them all."""
    found = sabotage(patient, [name for name in SABOTAGES if name not in LATER])
    repaired(patient, found, "CheckMembership")


def test_what_is_gone_is_made_anew(patient: Patient) -> None:
    """Under its old name; what AWS names itself, CloudFormation makes anew and knows again."""
    found = sabotage(patient, list(LATER))
    repaired(patient, found, "ImportToSecurityHubImportToSecurityHubSqsEventSource")


def repaired(patient: Patient, found: list[Line], name: str) -> None:
    """Paste the command that mends one resource, then the one that mends all; now it is healthy."""
    mends = {line.mend for line in found if line.mend}
    assert all("destroy" not in mend and "delete" not in mend for mend in mends)
    assert all("doctor --repair" in mend and f"--stage {STAGE}" in mend for mend in mends)
    (one,) = (mend for mend in mends if f"--repair {name} " in mend)
    assert "repaired" in patient.paste(one)
    patient.paste(one.replace(f"--repair {name} ", "--repair all "))
    said = json.loads(patient.paste(f"{_doctor(patient)} --format json", succeeds=False))
    assert said["schema"] == "straywatch.doctor/1"
    bad = [check for check in said["checks"] if check["level"] in ("FAIL", "WARN")]
    # work that could not be done meanwhile is for `straywatch redrive`
    assert [check for check in bad if check["check"] != "dead letters"] == []


def _doctor(patient: Patient) -> str:
    where = f"AWS_ENDPOINT_URL={patient.session.endpoint}"
    return f"{where} straywatch doctor --stage {STAGE} --region us-east-1"
