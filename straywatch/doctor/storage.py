"""Remember: whether the queues keep what waits and what failed, and the tables what was found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from chalicelib.text import counted
from chalicelib.times import spoken
from straywatch.doctor.drift import drifting
from straywatch.doctor.lines import Line, failed, passed, unread, untold, warned
from straywatch.doctor.world import Unread, World

_LONGEST_WAIT = timedelta(minutes=30)
"""A check waits 15 minutes at most, then is sent anew: an older one is not being taken."""

_BACKLOG = 1000
_WAITING = ("", "NotVisible", "Delayed")


def remembering(world: World) -> Iterator[Line]:
    """Judge queues and tables."""
    yield from drifting(world, "remember")
    yield from _check_queue(world)
    yield from _dead_letters(world)
    for table in world.of_type("AWS::DynamoDB::Table"):
        yield from _health(world, f"table {table.logical_id}: state", table.physical_id)


def _number(world: World, queue: str, kinds: tuple[str, ...]) -> Mapping[str, int]:
    """How many messages lie in a queue, by kind; empty where the queue cannot be read.

    Why it cannot be is told where it is held against its template.
    """
    url = world.physical_id(queue)
    answer = world.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    told = answer.get("Attributes", {}) if isinstance(answer, Mapping) else None
    if told is None:
        return {}
    return {kind: int(told.get(f"ApproximateNumberOfMessages{kind}", 0)) for kind in kinds}


def _check_queue(world: World) -> Iterator[Line]:
    numbers = _number(world, "CheckQueue", _WAITING)
    if not numbers:
        return
    waiting, ready = sum(numbers.values()), numbers[""]
    seen = f"{counted(waiting, 'check')} in it, {ready:,} of them due"
    if ready > _BACKLOG:
        yield warned("check queue: depth", seen, _log(world))
    else:
        yield passed("check queue: depth", seen)
    yield _oldest(world, world.physical_id("CheckQueue"))


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
        return warned(check, f"the oldest check has waited {spoken(age)}", _log(world))
    return passed(check, f"the oldest check has waited {spoken(age)}")


def _log(world: World) -> str:
    """The command that shows what the functions said lately."""
    group = world.stack.outputs.get("LogGroupName", f"/straywatch/{world.stack.name}")
    return world.invocation.aws("logs tail", "--since", "1h", group)


def _dead_letters(world: World) -> Iterator[Line]:
    numbers = _number(world, "DeadLetterQueue", _WAITING[:2])
    if not numbers:
        return
    if number := sum(numbers.values()):
        seen = f"{counted(number, 'letter')}: work that could not be done"
        mend = world.invocation.straywatch("redrive", "--yes")
        why = f"first see why: {world.invocation.straywatch('redrive')}"
        yield failed("dead letters", seen, mend, advice=why)
    else:
        yield passed("dead letters", "none")


def _health(world: World, check: str, name: str) -> Iterator[Line]:
    answer = world.ask("dynamodb", "describe_table", TableName=name)
    if not isinstance(answer, Mapping):
        return  # told where it is held against its template
    states = set(_states(answer["Table"]))
    if states == {"ACTIVE"}:
        yield passed(check, "active")
        return
    seen = f"is {', '.join(sorted(states))}"
    if states <= {"ACTIVE", "UPDATING", "CREATING"}:
        yield warned(check, seen, advice="wait some minutes, then run the doctor again")
    elif "INACCESSIBLE_ENCRYPTION_CREDENTIALS" in states:
        yield failed(check, seen, advice="give DynamoDB its key back: enable it, or its grants")
    else:
        yield failed(check, seen, advice="see the table in DynamoDB's console, or restore a backup")


def _states(table: Mapping[str, Any]) -> Iterator[str]:
    for part in (table, *table.get("GlobalSecondaryIndexes", [])):
        yield str(part.get("TableStatus") or part.get("IndexStatus") or "ACTIVE")
