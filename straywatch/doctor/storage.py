"""Remember: whether the queues keep what waits and what failed, and the tables what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.text import counted
from straywatch.doctor.lines import Line, failed, passed, unread, untold, warned
from straywatch.doctor.world import Unread, World
from straywatch.terminal.durations import spoken

_AGAIN = "straywatch destroy, then straywatch deploy"
_TIMES = 6
"""How much longer a message is hidden than its function may run.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""

_LONGEST_WAIT = timedelta(minutes=30)
"""A check waits 15 minutes at most, then is sent anew: an older one is not being taken."""

_BACKLOG = 1000


def remembering(world: World) -> Iterator[Line]:
    """Judge queues and tables."""
    yield from _check_queue(world)
    yield from _dead_letters(world)
    for table in world.of_type("AWS::DynamoDB::Table"):
        keeps_evidence = table.logical_id == "FindingsTable"
        yield from _table(world, table.logical_id, table.physical_id, evidence=keeps_evidence)


def _attributes(world: World, queue: str) -> Mapping[str, str] | Line:
    check = f"queue {queue}"
    url = world.physical_id(queue)
    if not url:
        return failed(check, "the stack has none", "straywatch deploy")
    answer = world.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if not isinstance(answer, Mapping):
        return failed(check, f"{url} was deleted", _AGAIN)
    attributes: Mapping[str, str] = answer.get("Attributes", {})
    return attributes


def _check_queue(world: World) -> Iterator[Line]:
    attributes = _attributes(world, "CheckQueue")
    if isinstance(attributes, Line):
        yield attributes
        return
    url = world.physical_id("CheckQueue")
    yield _redrive_policy(world, url, attributes)
    yield _visibility(world, url, attributes)
    waiting = sum(
        int(attributes.get(f"ApproximateNumberOfMessages{kind}", 0))
        for kind in ("", "NotVisible", "Delayed")
    )
    ready = int(attributes.get("ApproximateNumberOfMessages", 0))
    seen = f"{counted(waiting, 'check')} in it, {ready:,} of them due"
    if ready > _BACKLOG:
        mend = "look at the log of CheckMembership: aws logs tail --since 1h " + _log_group(world)
        yield warned("check queue: depth", seen, mend)
    else:
        yield passed("check queue: depth", seen)
    yield _oldest(world, url)


def _redrive_policy(world: World, url: str, attributes: Mapping[str, str]) -> Line:
    check = "check queue: failed checks"
    wanted = world.queue_arn("DeadLetterQueue")
    try:
        policy = json.loads(attributes.get("RedrivePolicy") or "{}")
    except ValueError:
        policy = {}
    if policy.get("deadLetterTargetArn") == wanted:
        return passed(check, f"dead-lettered after {policy.get('maxReceiveCount')} receives")
    value = json.dumps({"deadLetterTargetArn": wanted, "maxReceiveCount": 6})
    attribute = json.dumps({"RedrivePolicy": value})
    mend = f"aws sqs set-queue-attributes --queue-url {url} --attributes '{attribute}'"
    return failed(check, "are never dead-lettered: they vanish after two weeks", mend)


def _visibility(world: World, url: str, attributes: Mapping[str, str]) -> Line:
    check = "check queue: visibility"
    name = world.physical_id("CheckMembership")
    function = world.ask("lambda", "get_function_configuration", FunctionName=name)
    if not isinstance(function, Mapping):
        return unread(check, function.why if isinstance(function, Unread) else f"{name} is gone")
    seconds, timeout = int(attributes.get("VisibilityTimeout", 0)), int(function.get("Timeout", 0))
    seen = f"hidden for {seconds} s while the function may take {timeout} s"
    if seconds >= _TIMES * timeout:
        return passed(check, seen)
    mend = (
        f"aws sqs set-queue-attributes --queue-url {url} "
        f"--attributes VisibilityTimeout={_TIMES * timeout}"
    )
    return warned(check, f"{seen}: one check may be made twice at a time", mend)


def _oldest(world: World, url: str) -> Line:
    check = "check queue: age"
    now = world.clock()
    answer = world.ask(
        "cloudwatch",
        "get_metric_statistics",
        Namespace="AWS/SQS",
        MetricName="ApproximateAgeOfOldestMessage",
        Dimensions=[{"Name": "QueueName", "Value": url.rsplit("/", 1)[-1]}],
        StartTime=now - timedelta(minutes=30),
        EndTime=now,
        Period=300,
        Statistics=["Maximum"],
    )
    if not isinstance(answer, Mapping):
        return unread(check, answer.why if isinstance(answer, Unread) else "no metric")
    points = sorted(answer.get("Datapoints", []), key=lambda point: point["Timestamp"])
    if not points:
        return untold(check, "CloudWatch has no measure of the last half hour: the queue is idle")
    age = float(points[-1]["Maximum"])
    if age > _LONGEST_WAIT.total_seconds():
        mend = "look at the log of CheckMembership: aws logs tail --since 1h " + _log_group(world)
        return warned(check, f"the oldest check has waited {spoken(age)}", mend)
    return passed(check, f"the oldest check has waited {spoken(age)}")


def _log_group(world: World) -> str:
    return world.stack.outputs.get("LogGroupName", "LOG-GROUP")


def _dead_letters(world: World) -> Iterator[Line]:
    attributes = _attributes(world, "DeadLetterQueue")
    if isinstance(attributes, Line):
        yield attributes
        return
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    number = sum(int(attributes.get(name, 0)) for name in names)
    if number:
        seen = f"{counted(number, 'letter')}: work that could not be done"
        yield failed("dead letters", seen, "straywatch redrive")
    else:
        yield passed("dead letters", "none")


def _table(world: World, logical_id: str, name: str, *, evidence: bool) -> Iterator[Line]:
    check = f"table {logical_id}"
    answer = world.ask("dynamodb", "describe_table", TableName=name)
    if isinstance(answer, Unread):
        yield unread(check, answer.why)
        return
    if not isinstance(answer, Mapping):
        lost = " and its findings with it: restore a backup of it" if evidence else ""
        yield failed(check, f"{name} was deleted{lost}", _AGAIN)
        return
    yield _health(check, answer["Table"])
    yield _encryption(check, name, answer["Table"])
    yield _expiry(world, check, name)
    if evidence:
        yield _backups(world, check, name)


def _health(check: str, table: Mapping[str, Any]) -> Line:
    indexes = table.get("GlobalSecondaryIndexes", [])
    parts = [table, *indexes]
    states = {str(p.get("TableStatus") or p.get("IndexStatus") or "ACTIVE") for p in parts}
    if states == {"ACTIVE"}:
        return passed(check, "active")
    seen = f"is {', '.join(sorted(states))}"
    if states <= {"ACTIVE", "UPDATING", "CREATING"}:
        return warned(check, seen, "wait some minutes, then run the doctor again")
    return failed(check, seen, _AGAIN)


def _encryption(check: str, name: str, table: Mapping[str, Any]) -> Line:
    status = table.get("SSEDescription", {}).get("Status")
    if status in ("ENABLED", "UPDATING"):
        return passed(f"{check}: encryption", "by a key of KMS")
    mend = f"aws dynamodb update-table --table-name {name} --sse-specification Enabled=true"
    return warned(f"{check}: encryption", "by DynamoDB's own key, not by one of KMS", mend)


def _expiry(world: World, check: str, name: str) -> Line:
    check = f"{check}: expiry"
    answer = world.ask("dynamodb", "describe_time_to_live", TableName=name)
    if not isinstance(answer, Mapping):
        return unread(check, answer.why if isinstance(answer, Unread) else f"{name} is gone")
    told = answer.get("TimeToLiveDescription", {})
    if (
        told.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
        and told.get("AttributeName") == "expires_at"
    ):
        return passed(check, "what is over is removed in time")
    mend = (
        f"aws dynamodb update-time-to-live --table-name {name} "
        "--time-to-live-specification Enabled=true,AttributeName=expires_at"
    )
    return warned(check, "nothing ever expires: the table only grows", mend)


def _backups(world: World, check: str, name: str) -> Line:
    check = f"{check}: backups"
    answer = world.ask("dynamodb", "describe_continuous_backups", TableName=name)
    if not isinstance(answer, Mapping):
        return unread(check, answer.why if isinstance(answer, Unread) else f"{name} is gone")
    told = answer.get("ContinuousBackupsDescription", {})
    status = told.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if status == "ENABLED":
        return passed(check, "any second of the last 35 days can be restored")
    mend = (
        f"aws dynamodb update-continuous-backups --table-name {name} "
        "--point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
    )
    return warned(check, "no point-in-time recovery: deleted evidence stays deleted", mend)
