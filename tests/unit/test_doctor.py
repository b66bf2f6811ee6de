"""The doctor names what is wrong with a deployment, and never takes "unknown" for "fine"."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from straywatch.doctor.checkup import Area, exit_code
from straywatch.doctor.lines import Level, Line, passed, untold, warned
from straywatch.doctor.lines import failed as line_failed
from straywatch.doctor.lines import unread as line_unread
from straywatch.doctor.world import Unread
from tests.unit.doctor_answers import NOW
from tests.unit.doctor_world import Deployment

FAIL, WARN = Level.FAIL, Level.WARN
Sabotage = Callable[[Deployment], None]


def spoiled(operation: str, change: Any, about: str = "") -> Sabotage:
    """Change what an operation answers."""
    return lambda deployment: deployment.spoil(operation, change, about)


def deleted(operation: str, about: str = "") -> Sabotage:
    """Let what an operation tells of be gone."""
    return lambda deployment: deployment.delete(operation, about)


def updated(operation: str, about: str = "", **changes: Any) -> Sabotage:
    """Set fields of what an operation answers."""
    return spoiled(operation, lambda answer: answer.update(changes), about)


def attributes(about: str, **changes: Any) -> Sabotage:
    """Set attributes of a queue or a topic."""
    operation = "get_topic_attributes" if "Topic" in about else "get_queue_attributes"
    return spoiled(operation, lambda answer: answer["Attributes"].update(changes), about)


def environment(**changes: str) -> Sabotage:
    """Set variables of the checking function."""
    return spoiled(
        "get_function_configuration",
        lambda answer: answer["Environment"]["Variables"].update(changes),
        "CheckMembership",
    )


def without(logical_id: str) -> Sabotage:
    """Let the stack lack a resource."""

    def drop(deployment: Deployment) -> None:
        every = deployment.resources
        deployment.resources = tuple(r for r in every if not r.logical_id.startswith(logical_id))
        assert deployment.resources != every

    return drop


def stack(**changes: Any) -> Sabotage:
    """Set fields of the stack."""

    def change(deployment: Deployment) -> None:
        deployment.stack = replace(deployment.stack, **changes)

    return change


def region(name: str) -> Sabotage:
    """Let the deployment be in another region."""

    def move(deployment: Deployment) -> None:
        deployment.region = name

    return move


def selectors(**answer: Any) -> Sabotage:
    """Let the trail select these events."""
    return spoiled("get_event_selectors", lambda _: answer)


def advanced(*fields: dict[str, Any]) -> Sabotage:
    """Let the trail select by advanced selectors."""
    return selectors(AdvancedEventSelectors=[{"FieldSelectors": list(fields)}])


MANAGEMENT = {"Field": "eventCategory", "Equals": ["Management"]}
POLICY_OF_NOBODY = json.dumps({"Version": "2012-10-17", "Statement": []})
DENIED = {"EvalActionName": "iam:GetUser", "EvalDecision": "implicitDeny"}
RULE = {"EventPattern": json.dumps({"source": ["aws.iam"]})}


def sweep(**fields: Any) -> Sabotage:
    """Let the last sweep have noted this."""

    def note(answer: dict[str, Any]) -> None:
        for name, value in fields.items():
            kind = "N" if isinstance(value, int) else "S"
            answer["Item"][name] = {kind: str(value)}

    return spoiled("get_item", note, '"sweep"')


SABOTAGES: dict[str, tuple[Sabotage, Level, str, str]] = {
    "another region": (
        region("eu-west-1"), FAIL, "region", "--region us-east-1"),
    "failed stack": (stack(status="UPDATE_ROLLBACK_FAILED"), FAIL, "stack", "deploy"),
    "stack at work": (stack(status="UPDATE_IN_PROGRESS"), WARN, "stack", "wait"),
    "no trail": (updated("describe_trails", trailList=[]), FAIL, "trail", "create-trail"),
    "trail stopped": (updated("get_trail_status", IsLogging=False), FAIL, "trail", "start-logging"),
    "trail of another region": (
        spoiled("describe_trails", lambda a: a["trailList"][0].update(
            IsMultiRegionTrail=False, HomeRegion="eu-west-1")), FAIL, "trail", "trail"),
    "trail without global services": (
        spoiled("describe_trails", lambda a: a["trailList"][0].update(
            IncludeGlobalServiceEvents=False)), FAIL, "trail", "trail"),
    "trail of reads": (
        selectors(EventSelectors=[{"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True}]),
        FAIL, "trail", "trail"),
    "trail of data events": (
        selectors(EventSelectors=[{"ReadWriteType": "All", "IncludeManagementEvents": False}]),
        FAIL, "trail", "trail"),
    "advanced trail of reads": (
        advanced(MANAGEMENT, {"Field": "readOnly", "Equals": ["true"]}), FAIL, "trail", "trail"),
    "advanced trail without IAM": (
        advanced(MANAGEMENT, {"Field": "eventSource", "NotEquals": ["iam.amazonaws.com"]}),
        FAIL, "trail", "trail"),
    "advanced trail of data events": (
        advanced({"Field": "eventCategory", "Equals": ["Data"]}), FAIL, "trail", "trail"),
    "rule disabled": (
        updated("describe_rule", "OnMembershipLost", State="DISABLED"),
        FAIL, "rule of OnMembershipLost", "enable-rule"),
    "schedule disabled": (
        updated("describe_rule", "Sweep", State="DISABLED"), FAIL, "rule of Sweep", "enable-rule"),
    "rule deleted": (deleted("describe_rule", "Settled"), FAIL, "rule of OnMembershipSettled", ""),
    "rule not in the stack": (
        without("OnMembershipLostOnMembershipLostEvent"), FAIL, "rule of OnMembershipLost", ""),
    "pattern changed": (
        updated("describe_rule", "Settled", **RULE),
        FAIL, "rule of OnMembershipSettled: pattern", "put-rule"),
    "target removed": (
        updated("list_targets_by_rule", "Lost", Targets=[]),
        FAIL, "target of OnMembershipLost", "put-targets"),
    "target without dead letters": (
        spoiled("list_targets_by_rule", lambda a: a["Targets"][0].pop("DeadLetterConfig") and None,
                "Settled"),
        FAIL, "target of OnMembershipSettled", "put-targets"),
    "permission revoked": (
        updated("get_policy", "Lost", Policy=POLICY_OF_NOBODY),
        FAIL, "permission to invoke OnMembershipLost", "add-permission"),
    "permission for another rule": (
        spoiled("get_policy", lambda a: a.update(
            Policy=a["Policy"].replace("rule/straywatch-On", "rule/other-On")), "Lost"),
        FAIL, "permission to invoke OnMembershipLost", "add-permission"),
    "permission denied outright": (
        spoiled("get_policy", lambda a: a.update(
            Policy=a["Policy"].replace('"Statement": [', '"Statement": [{"Effect": "Deny", '
            '"Principal": "*", "Action": "lambda:*", "Resource": "*"},')), "Lost"),
        FAIL, "permission to invoke OnMembershipLost", "add-permission"),
    "no policy at all": (
        deleted("get_policy", "Sweep"), FAIL, "permission to invoke Sweep", "add-permission"),
    "failures dropped": (
        deleted("get_function_event_invoke_config", "Lost"),
        FAIL, "failures of OnMembershipLost", "put-function-event-invoke-config"),
    "dead letters refused": (
        attributes("DeadLetterQueue", Policy=POLICY_OF_NOBODY),
        FAIL, "policy of the dead-letter queue", "deploy"),
    "function deleted": (
        deleted("get_function_configuration", "CheckMembership"),
        FAIL, "function CheckMembership", "deploy"),
    "function broken": (
        updated("get_function_configuration", "Sweep", State="Failed", StateReason="KMS"),
        FAIL, "function Sweep", "deploy"),
    "update failed": (
        updated("get_function_configuration", "Sweep", LastUpdateStatus="Failed"),
        FAIL, "function Sweep", "deploy"),
    "other code": (
        updated("get_function_configuration", "Lost", CodeSha256="x"),
        WARN, "function OnMembershipLost: version", "straywatch deploy"),
    "setting broken": (
        environment(GRACE_PERIOD_SECONDS="soon"), FAIL, "function CheckMembership: settings", ""),
    "setting missing": (
        environment(ALERT_TOPIC_ARN=""), FAIL, "function CheckMembership: settings", ""),
    "setting of elsewhere": (
        environment(STATE_TABLE="other"), FAIL, "function CheckMembership: settings", ""),
    "throttled to nothing": (
        updated("get_function_concurrency", "Lost", ReservedConcurrentExecutions=0),
        FAIL, "function OnMembershipLost: concurrency", "delete-function-concurrency"),
    "role weakened": (
        spoiled("simulate_principal_policy", lambda a: a["EvaluationResults"].append(DENIED),
                "CheckMembership"),
        FAIL, "permissions of CheckMembership", "role"),
    "mapping disabled": (
        updated("get_event_source_mapping", State="Disabled"),
        FAIL, "check queue to CheckMembership", "--enabled"),
    "mapping of another queue": (
        updated("get_event_source_mapping", EventSourceArn="arn:aws:sqs:us-east-1:1:x"),
        FAIL, "check queue to CheckMembership", ""),
    "mapping repeats batches": (
        updated("get_event_source_mapping", FunctionResponseTypes=[]),
        FAIL, "check queue to CheckMembership", "ReportBatchItemFailures"),
    "mapping deleted": (
        deleted("get_event_source_mapping"), FAIL, "check queue to CheckMembership", ""),
    "configuration refused": (
        spoiled("get_parameter", lambda _: {"Parameter": {"Value": "{}"}}),
        FAIL, "exemptions", "straywatch exemptions"),
    "queue deleted": (
        deleted("get_queue_attributes", "CheckQueue"), FAIL, "queue CheckQueue", "deploy"),
    "checks never dead-lettered": (
        attributes("CheckQueue", RedrivePolicy=""),
        FAIL, "check queue: failed checks", "set-queue-attributes"),
    "visibility too short": (
        attributes("CheckQueue", VisibilityTimeout="30"),
        WARN, "check queue: visibility", "VisibilityTimeout=120"),
    "backlog": (
        attributes("CheckQueue", ApproximateNumberOfMessages="5000"),
        WARN, "check queue: depth", "logs tail"),
    "old checks": (
        spoiled("get_metric_statistics", lambda _: {"Datapoints": [
            {"Timestamp": "2026-01-01", "Maximum": 7200.0}]}),
        WARN, "check queue: age", "logs tail"),
    "dead letters": (
        attributes("DeadLetterQueue", ApproximateNumberOfMessages="3"),
        FAIL, "dead letters", "straywatch redrive"),
    "table deleted": (
        deleted("describe_table", "FindingsTable"), FAIL, "table FindingsTable", ""),
    "table inaccessible": (
        spoiled("describe_table", lambda a: a["Table"].update(
            TableStatus="INACCESSIBLE_ENCRYPTION_CREDENTIALS"), "StateTable"),
        FAIL, "table StateTable", ""),
    "index in the making": (
        spoiled("describe_table", lambda a: a["Table"]["GlobalSecondaryIndexes"][0].update(
            IndexStatus="CREATING"), "FindingsTable"),
        WARN, "table FindingsTable", "wait"),
    "no encryption": (
        spoiled("describe_table", lambda a: a["Table"].pop("SSEDescription") and None,
                "FindingsTable"),
        WARN, "table FindingsTable: encryption", "update-table"),
    "no backups": (
        spoiled("describe_continuous_backups", lambda _: {"ContinuousBackupsDescription": {}},
                "FindingsTable"),
        WARN, "table FindingsTable: backups", "update-continuous-backups"),
    "no expiry": (
        spoiled("describe_time_to_live", lambda _: {"TimeToLiveDescription": {
            "TimeToLiveStatus": "DISABLED"}}, "StateTable"),
        WARN, "table StateTable: expiry", "update-time-to-live"),
    "topic deleted": (
        deleted("get_topic_attributes", "AlertTopic"), FAIL, "topic AlertTopic", "deploy"),
    "topic under AWS's key": (
        attributes("AlertTopic", KmsMasterKeyId="alias/aws/sns"),
        FAIL, "topic AlertTopic: key", "set-topic-attributes"),
    "topic in the clear": (
        attributes("AlertTopic", KmsMasterKeyId=""),
        WARN, "topic AlertTopic: key", "set-topic-attributes"),
    "alarms may not publish": (
        attributes("HealthTopic", Policy=POLICY_OF_NOBODY), FAIL, "topic HealthTopic: policy", ""),
    "nobody subscribed": (
        updated("list_subscriptions_by_topic", "AlertTopic", Subscriptions=[]),
        FAIL, "topic AlertTopic: subscriptions", "aws sns subscribe"),
    "nobody confirmed": (
        updated("list_subscriptions_by_topic", "AlertTopic", Subscriptions=[
            {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@b.c"}]),
        FAIL, "topic AlertTopic: subscriptions", "confirm"),
    "nobody hears of health": (
        updated("list_subscriptions_by_topic", "HealthTopic", Subscriptions=[]),
        WARN, "topic HealthTopic: subscriptions", "aws sns subscribe"),
    "one unconfirmed": (
        spoiled("list_subscriptions_by_topic", lambda a: a["Subscriptions"].append(
            {"SubscriptionArn": "PendingConfirmation", "Protocol": "email", "Endpoint": "a@b.c"}),
            "AlertTopic"),
        WARN, "topic AlertTopic: subscriptions", "confirm"),
    "key disabled": (
        spoiled("describe_key", lambda a: a["KeyMetadata"].update(KeyState="Disabled")),
        FAIL, "key", "enable-key"),
    "key to be deleted": (
        spoiled("describe_key", lambda a: a["KeyMetadata"].update(KeyState="PendingDeletion")),
        FAIL, "key", "cancel-key-deletion"),
    "key shut to alarms": (
        spoiled("get_key_policy", lambda a: a.update(
            Policy=a["Policy"].replace("cloudwatch.", "other."))), FAIL, "key: policy", ""),
    "key shut to functions": (
        spoiled("get_key_policy", lambda a: a.update(Policy=a["Policy"].replace(":root", ":x"))),
        FAIL, "key: policy", ""),
    "alarm deleted": (
        spoiled("describe_alarms", lambda a: a["MetricAlarms"].pop() and None), FAIL, "alarm", ""),
    "alarm silenced": (
        spoiled("describe_alarms", lambda a: a["MetricAlarms"][0].update(ActionsEnabled=False)),
        FAIL, "alarm", "enable-alarm-actions"),
    "alarm tells nobody": (
        spoiled("describe_alarms", lambda a: a["MetricAlarms"][0].update(AlarmActions=[])),
        FAIL, "alarm", ""),
    "alarm rings": (
        spoiled("describe_alarms", lambda a: a["MetricAlarms"][0].update(StateValue="ALARM")),
        WARN, "alarm", ""),
    "never swept": (
        spoiled("get_item", lambda _: {}, '"sweep"'), WARN, "last sweep", "straywatch sweep"),
    "sweep long ago": (
        sweep(finished_at="2020-01-01T00:00:00Z"), FAIL, "last sweep", "straywatch sweep"),
    "events missed": (sweep(missed_events=4), FAIL, "missed events", "replay"),
    "sweep stopped": (
        spoiled("get_item", lambda _: {"Item": {"marker": {"S": "m"}, "started_at": {"S": "x"}}},
                "sweep-cursor"), WARN, "unfinished sweep", "straywatch sweep"),
    "clock an hour off": (
        spoiled("get_caller_identity", lambda a: a["ResponseMetadata"]["HTTPHeaders"].update(
            date="Mon, 01 Jan 2024 00:00:00 GMT")), FAIL, "clock", "NTP"),
}  # fmt: skip


def problems(deployment: Deployment) -> list[Line]:
    """All lines that warn or fail."""
    return [line for line in deployment.lines() if line.level in (WARN, FAIL)]


def test_a_healthy_deployment_has_no_problem() -> None:
    """Nothing fails, nothing warns; only what has never happened yet cannot be told."""
    deployment = Deployment.healthy()
    assert problems(deployment) == []
    untold = [line for line in deployment.lines() if line.level is Level.NOT_CHECKED]
    assert [line.check for line in untold] == ["check queue: age", "last event"]
    assert exit_code([Area("all", tuple(deployment.lines()))]) == 0


def test_a_deployment_with_every_channel_has_nothing_that_fails() -> None:
    """What a channel brings along is not taken for a part of the monitor gone wrong."""
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:pager-AbCdEf"
    deployment = Deployment.healthy(
        AlertSms="+15551234567", ChatEnabled="yes", PagerDutySecretArn=secret,
        SecurityHubEnabled="yes",
    )  # fmt: skip
    checks = [line.check for line in problems(deployment)]
    assert checks == ["topic ChatTopic: subscriptions"]  # the chat's own side is not attached yet


@pytest.mark.parametrize("name", SABOTAGES)
def test_each_sabotage_is_named_with_what_mends_it(name: str) -> None:
    """By the line it concerns, as bad as it is, with the command; and little else complains."""
    sabotage, level, check, mend = SABOTAGES[name]
    deployment = Deployment.healthy()
    sabotage(deployment)
    found = problems(deployment)
    named = [line for line in found if line.check.startswith(check) and line.level is level]
    assert named, found
    assert mend in named[0].mend
    assert all(line.mend for line in found)
    if name != "another region":  # where every ARN is another, nothing is as it should be
        assert len(found) <= 3, found


@pytest.mark.parametrize(
    "fields",
    [
        [MANAGEMENT],
        [MANAGEMENT, {"Field": "readOnly", "Equals": ["false"]}],
        [MANAGEMENT, {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}],
        [MANAGEMENT, {"Field": "eventSource", "StartsWith": ["iam."]}],
    ],
)
def test_advanced_selectors_that_let_iam_through_are_fine(fields: list[dict[str, Any]]) -> None:
    """A trail may leave out much and still log what matters here."""
    deployment = Deployment.healthy()
    advanced(*fields)(deployment)
    assert problems(deployment) == []


def test_what_is_denied_is_never_a_pass() -> None:
    """For each call the doctor makes: denied, there is no pass less honest than before."""
    untouched = Deployment.healthy()
    healthy = {(line.check, line.seen) for line in untouched.lines()}
    assert len(untouched.asked) > 20
    for operation in untouched.asked:
        deployment = Deployment.healthy()
        deployment.deny(operation)
        lines = deployment.lines()
        unread = [line for line in lines if line.failed_to_look]
        assert unread, operation
        assert all(line.level is Level.NOT_CHECKED and line.mend for line in unread)
        passes = {(line.check, line.seen) for line in lines if line.level is Level.PASS}
        assert passes <= healthy, operation
        assert exit_code([Area("all", tuple(lines))]) in (1, 3)


def test_a_checkout_that_cannot_be_packaged_leaves_versions_unchecked() -> None:
    """Nothing to compare with is no match."""
    world = replace(Deployment.healthy().world, checkout=Unread("no chalice"))
    from straywatch.doctor.functions import looking  # noqa: PLC0415 - one part alone

    unread = [line.check for line in looking(world) if line.failed_to_look]
    assert len([check for check in unread if "version" in check]) == 4
    assert len([check for check in unread if "permissions" in check]) == 4


def test_the_last_event_is_told_from_the_marks() -> None:
    """The newest thing that any event has left behind."""
    deployment = Deployment.healthy()
    times = [{"S": (NOW - timedelta(hours=h)).isoformat()} for h in (5, 2, 9, 1)]
    kinds = ("joined", "left", "deleted", "settled")  # the last is a look
    facts = zip(kinds, times, strict=True)
    items: list[dict[str, object]] = [
        {"fact:1": {"M": {"kind": {"S": kind}, "at": at}}} for kind, at in facts
    ]
    items.append({"left_at": {"S": (NOW - timedelta(hours=7)).isoformat()}})
    deployment.spoil("query", lambda _: {"Items": items})
    line = next(line for line in deployment.lines() if line.check == "last event")
    assert (line.level, "2h ago" in line.seen) == (Level.PASS, True)


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([passed("a", "")], 0),
        ([passed("a", ""), warned("b", "", "x"), untold("c", "")], 0),
        ([passed("a", ""), line_unread("b", "")], 3),
        ([line_failed("a", "", "x"), line_unread("b", "")], 1),
    ],
)
def test_the_exit_code_tells_the_worst(lines: list[Line], code: int) -> None:
    """A failure goes before a look that failed; a warning lets a script pass."""
    assert exit_code([Area("all", tuple(lines))]) == code
