"""Time: when the last sweep and the last event were, what was missed, and whose clock is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.adapters.items import from_item
from chalicelib.domain.schedules import longest_gap
from chalicelib.text import counted
from chalicelib.times import iso, parse_time, spoken
from straywatch.aws.clocks import told_time
from straywatch.doctor.lines import Line, failed, passed, unread, untold, warned
from straywatch.doctor.world import Unread, World

_SKEW_WARNS = 30
_SKEW_FAILS = 300  # AWS refuses signatures that are five minutes off
_LONGEST_RATE = timedelta(days=1)  # so long may what events lose stay unseen, and no longer
_LOOKS = ("settled", "stray")
_NEWS = ("left_at", "joined_at", "deleted_at", "renamed_at")


def timing(world: World) -> Iterator[Line]:
    """Judge by what the monitor has noted itself."""
    yield from _sweep(world)
    yield _last_event(world)
    yield _clock(world)


def _sweep(world: World) -> Iterator[Line]:
    document = _document(world, "sweep")
    if isinstance(document, Unread):
        yield unread("last sweep", document.why)
        return
    if not document:
        yield warned("last sweep", "there was none that saw everybody yet", _sweep_now(world))
        return
    yield _sweep_age(world, parse_time(str(document["finished_at"])))
    missed = int(document.get("missed_events", 0))
    if missed:
        seen = f"{counted(missed, 'stray')} in the last sweep of whom no event had told"
        replay = world.invocation.straywatch("replay")
        advice = f"see the lines on trail, rules and targets; which they were tells {replay}"
        yield failed("missed events", seen, advice=advice)
    else:
        yield passed("missed events", "none in the last sweep")
    cursor = _document(world, "sweep-cursor")
    if isinstance(cursor, Mapping) and cursor.get("marker"):
        seen = f"one that began at {cursor.get('started_at')} stopped half-way"
        yield warned("unfinished sweep", seen, _sweep_now(world))


def _sweep_age(world: World, finished: datetime) -> Line:
    age = world.clock() - finished
    seen = f"{iso(finished)}, {spoken(max(0.0, age.total_seconds()))} ago"
    every = _sweep_rate(world)
    if age > 2 * every + timedelta(minutes=15):
        seen = f"{seen}: it should be every {spoken(every.total_seconds())}"
        advice = "see the lines on the rule and the function of Sweep"
        return failed("last sweep", seen, _sweep_now(world), advice=advice)
    if every > _LONGEST_RATE:
        seen = f"one every {spoken(every.total_seconds())}: what events lose is found that late"
        mend = world.invocation.straywatch("deploy", "--sweep-rate", "rate(1 hour)")
        return warned("sweep rate", seen, mend)
    return passed("last sweep", seen)


def _sweep_now(world: World) -> str:
    return world.invocation.straywatch("sweep")


def _sweep_rate(world: World) -> timedelta:
    """How often the template has it; a rule that somebody changed is told of as such."""
    for resource in world.intended:
        if resource.resource_type == "AWS::Events::Rule" and resource.logical_id.startswith(
            "Sweep"
        ):
            return longest_gap(str(resource.properties.get("ScheduleExpression", "")))
    return _LONGEST_RATE


def _document(world: World, name: str) -> Mapping[str, Any] | Unread:
    """A small document of the state table; empty where there is none."""
    key = {"pk": {"S": world.account.key}, "sk": {"S": name}}
    table = world.physical_id("StateTable")
    answer = world.ask("dynamodb", "get_item", TableName=table, Key=key)
    if not isinstance(answer, Mapping):
        return answer if isinstance(answer, Unread) else Unread(f"table {table} is gone")
    return from_item(answer.get("Item", {}))


def _last_event(world: World) -> Line:
    """The newest of what events have left in the marks, which are kept for some days."""
    check = "last event"
    newest: datetime | None = None
    more: dict[str, Any] = {}
    while True:
        answer = world.ask(
            "dynamodb",
            "query",
            TableName=world.physical_id("StateTable"),
            KeyConditionExpression="pk = :pk AND begins_with(sk, :mark)",
            ExpressionAttributeValues={":pk": {"S": world.account.key}, ":mark": {"S": "mark#"}},
            **more,
        )
        if not isinstance(answer, Mapping):
            return unread(check, answer.why if isinstance(answer, Unread) else "no state table")
        for item in map(from_item, answer.get("Items", [])):
            times = list(_times(item))
            newest = max([*times, newest] if newest else times, default=None)
        if not answer.get("LastEvaluatedKey"):
            break
        more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    if newest is None:
        return untold(
            check, "none for days: nothing happened, or nothing arrives; try one: "
            "aws iam create-user --user-name straywatch-probe"
        )  # fmt: skip
    age = max(0.0, (world.clock() - newest).total_seconds())
    return passed(check, f"of {iso(newest)}, {spoken(age)} ago")


def _times(item: Mapping[str, Any]) -> Iterator[datetime]:
    """When each of the events was that a mark tells of; the version before kept the last ones."""
    yield from (parse_time(str(item[name])) for name in _NEWS if item.get(name))
    for name, fact in item.items():
        if name.startswith("fact:") and fact["kind"] not in _LOOKS:
            yield parse_time(str(fact["at"]))


def _clock(world: World) -> Line:
    check = "clock"
    answer = world.ask("sts", "get_caller_identity")
    if not isinstance(answer, Mapping):
        return unread(check, answer.why if isinstance(answer, Unread) else "STS is not there")
    told = told_time(answer)
    if told is None:
        return untold(check, "AWS's answer tells no time")
    skew = abs((world.clock() - told).total_seconds())
    seen = f"this machine is {spoken(skew)} off AWS's time"
    advice = "set this machine's clock, best by NTP"
    if skew > _SKEW_FAILS:
        return failed(check, seen, advice=advice)
    return warned(check, seen, advice=advice) if skew > _SKEW_WARNS else passed(check, seen)
