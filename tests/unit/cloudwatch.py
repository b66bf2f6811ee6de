"""CloudWatch's alarms by their documented rules, minute by minute over made-up metrics.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, read as
docs/alarms.md tells:

- An alarm of a period of a minute or more is evaluated each minute, over periods that end then.
- CloudWatch retrieves more points than EvaluationPeriods, how many it does not promise (`EXTRA`).
- With as many points as EvaluationPeriods or more, it goes by the most recent of them, and what is
  missing between them does not matter. With fewer, missing ones are filled in as TreatMissingData
  says, as few as possible. `missing` with none at all: INSUFFICIENT_DATA.
- Against premature alarms: fewer breaching points than DatapointsToAlarm do where no other was
  retrieved and the oldest of them is at least as old as DatapointsToAlarm.
- A new alarm is in INSUFFICIENT_DATA. An action is for a change of state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

EXTRA = (2, 3, 7)
"""How many more points may be retrieved. AWS's own tables show five for three periods."""

Minute = int
Metric = Callable[[Minute], Sequence[float]]
"""The samples of a metric within a minute: none where it is missing."""


class State(StrEnum):
    """An alarm's state."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


_STATISTICS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "Sum": sum,
    "Maximum": max,
    "Minimum": min,
}
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": lambda value, threshold: value > threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
_ACTIONS = {
    State.OK: "OKActions",
    State.ALARM: "AlarmActions",
    State.INSUFFICIENT_DATA: "InsufficientDataActions",
}


@dataclass(frozen=True)
class Told:
    """A change of state that an action tells of."""

    minute: Minute
    state: State


def play(alarm: Mapping[str, Any], metric: Metric, minutes: int, extra: int) -> Iterator[Told]:
    """What an alarm that is made in minute 0 tells of in so many minutes."""
    state = State.INSUFFICIENT_DATA
    for now in range(1, minutes + 1):
        before, state = state, evaluated(alarm, _points(alarm, metric, now, extra), state)
        if state is not before and alarm.get(_ACTIONS[state]):
            yield Told(now, state)


def _points(
    alarm: Mapping[str, Any], metric: Metric, now: Minute, extra: int
) -> list[float | None]:
    """The points that are retrieved at the end of the minute before `now`, oldest first."""
    length = alarm["Period"] // 60
    statistic = _STATISTICS[alarm["Statistic"]]
    points: list[float | None] = []
    for ago in reversed(range(alarm["EvaluationPeriods"] + extra)):
        end = now - ago * length
        samples = [s for minute in range(end - length, end) if minute >= 0 for s in metric(minute)]
        points.append(statistic(samples) if samples else None)
    return points


def evaluated(alarm: Mapping[str, Any], points: Sequence[float | None], before: State) -> State:
    """The alarm's state by the points that were retrieved, oldest first; None is a missing one."""
    periods = alarm["EvaluationPeriods"]
    needed = alarm.get("DatapointsToAlarm", periods)
    treated = alarm.get("TreatMissingData", "missing")
    breaches = _OPERATORS[alarm["ComparisonOperator"]]
    judged = [None if p is None else breaches(p, alarm["Threshold"]) for p in points]
    real = [each for each in judged if each is not None]
    if len(real) >= periods:
        return State.ALARM if sum(real[-periods:]) >= needed else State.OK
    if treated in ("breaching", "notBreaching"):
        filled = [treated == "breaching"] * (periods - len(real)) + real
        return State.ALARM if sum(filled) >= needed else State.OK
    if not real:
        return before if treated == "ignore" else State.INSUFFICIENT_DATA
    if all(real) and sum(real) < needed:
        old = len(judged) - judged.index(True) >= needed
        return State.ALARM if old and treated == "missing" else before
    return State.ALARM if sum(real) >= needed else State.OK
