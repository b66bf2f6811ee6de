"""What each alarm says, and when: played by CloudWatch's documented rules over made-up metrics."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from straywatch.deploy.template import assemble
from tests.unit.cloudwatch import EXTRA, Metric, State, Told, evaluated, play

ALARMS: dict[str, dict[str, Any]] = {
    name: each["Properties"]
    for name, each in assemble()["Resources"].items()
    if each["Type"] == "AWS::CloudWatch::Alarm"
}
PAGE = (Path(__file__).resolve().parents[2] / "docs" / "alarms.md").read_text(encoding="utf-8")
PROMISED = {
    name: int(minutes)
    for name, minutes in re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", PAGE, re.MULTILINE)
}
"""Minutes from the trouble to the alarm, as docs/alarms.md promises them."""

DAY = 24 * 60
BEGINS = 600
"""The minute in which the trouble begins, and that in which it is over."""
ENDS = BEGINS + 300

X, O, M = 1.0, 0.0, None  # noqa: E741 - as AWS's tables write them


def beat(minute: int) -> bool:
    """Whether the heartbeat beats in this minute; in the first three it does not."""
    return minute % 5 == 3


def dead_letters(minute: int) -> list[float]:
    """A letter lies in the queue from BEGINS to ENDS; kept awake, SQS tells each minute."""
    return [float(BEGINS <= minute < ENDS)]


def age(minute: int) -> list[float]:
    """Checks of a quarter of an hour's delay come and go, and from BEGINS on nobody takes them.

    Each is 900 s old when it is taken, if SQS counts the delay: the worst case against ringing.
    """
    if minute < BEGINS:
        return [float(minute % 15 * 60 + 59)]
    return [min(minute - BEGINS, ENDS - BEGINS) * 60.0 + 900] if minute < ENDS else []


def age_without_delay(minute: int) -> list[float]:
    """As above with a grace of 0, or if SQS does not count the delay: noticed last of all."""
    return [(minute - BEGINS) * 60.0] if BEGINS <= minute < ENDS else []


def failures(minute: int) -> list[float]:
    """One check fails from BEGINS on, every six minutes, as its visibility timeout has it."""
    return [1.0] if BEGINS <= minute < ENDS and (minute - BEGINS) % 6 == 0 else []


def errors(minute: int) -> list[float]:
    """Lambda tells 0 for a batch that ends well, once an hour; from BEGINS on each one fails."""
    if BEGINS <= minute < ENDS:
        return [1.0] if (minute - BEGINS) % 6 == 0 else []
    return [0.0] if minute % 60 == 0 else []


def overdue(minute: int) -> list[float]:
    """The sweep is overdue from BEGINS to ENDS, as the heartbeat tells."""
    return [float(max(0, minute - BEGINS) if minute < ENDS else 0)] if beat(minute) else []


def no_heartbeat(minute: int) -> list[float]:
    """The sweep is fine; the heartbeat is silent from BEGINS to ENDS."""
    return [0.0] if beat(minute) and not BEGINS <= minute < ENDS else []


def unheard(minute: int) -> list[float]:
    """A mail is confirmed half an hour after the deployment; somebody ends it at BEGINS."""
    return [float(minute < 30 or BEGINS <= minute < ENDS)] if beat(minute) else []


def lost(minute: int) -> list[float]:
    """Lambda could not keep a letter, again and again from BEGINS on; else it tells nothing."""
    return [1.0] if BEGINS <= minute < ENDS and (minute - BEGINS) % 6 == 0 else []


def import_age(minute: int) -> list[float]:
    """Findings are taken at once, and from BEGINS on nobody takes them."""
    return [(minute - BEGINS) * 60.0] if BEGINS <= minute < ENDS else [0.0]


LOST = [name for name in ALARMS if name.endswith("LostAlarm")]
TROUBLES: list[tuple[str, Metric, State]] = [
    ("DeadLetterAlarm", dead_letters, State.ALARM),
    ("CheckBacklogAlarm", age, State.ALARM),
    ("CheckBacklogAlarm", age_without_delay, State.ALARM),
    ("ChecksFailingAlarm", failures, State.ALARM),
    ("CheckErrorsAlarm", errors, State.ALARM),
    ("SweepSilentAlarm", overdue, State.ALARM),
    ("SweepSilentAlarm", no_heartbeat, State.INSUFFICIENT_DATA),
    ("UnheardAlarm", unheard, State.ALARM),
    ("ImportBacklogAlarm", import_age, State.ALARM),
    ("SweepBacklogAlarm", import_age, State.ALARM),
    *((name, lost, State.ALARM) for name in LOST),
]
CASES = pytest.mark.parametrize(
    ("name", "metric", "state"), TROUBLES, ids=[f"{n}-{m.__name__}" for n, m, _ in TROUBLES]
)


@pytest.mark.parametrize("extra", EXTRA)
@CASES
def test_an_alarm_rings_within_the_minutes_that_are_promised(
    name: str, metric: Metric, state: State, extra: int
) -> None:
    """And not before there is anything the matter; then it says that it is over."""
    told = list(play(ALARMS[name], metric, ENDS + 120, extra))
    before = [each for each in told if each.minute <= BEGINS and each.state is not State.OK]
    assert before == []
    rung, over = [each for each in told if each.minute > BEGINS]
    assert rung.state is state
    assert rung.minute - BEGINS <= PROMISED[name]
    assert over.state is State.OK
    assert over.minute > ENDS


def test_every_alarm_is_played_and_promised() -> None:
    """docs/alarms.md has a row for each, and each row an alarm."""
    assert ALARMS.keys() == {name for name, _, _ in TROUBLES} == PROMISED.keys()


@pytest.mark.parametrize("name", ALARMS)
def test_the_promise_is_what_the_worst_case_takes(name: str) -> None:
    """No wider, give or take a heartbeat: a page that promises little promises nothing."""
    taken = [
        next(t.minute for t in play(ALARMS[name], metric, ENDS, extra) if t.minute > BEGINS)
        for other, metric, _ in TROUBLES
        for extra in EXTRA
        if other == name
    ]
    assert max(taken) - BEGINS <= PROMISED[name] <= max(taken) - BEGINS + 5


def quiet(minute: int) -> list[float]:
    """A metric that has never been told of."""
    del minute
    return []


def healthy(minute: int) -> list[float]:
    """What the heartbeat tells where all is well."""
    return [0.0] if beat(minute) else []


@pytest.mark.parametrize("extra", EXTRA)
@pytest.mark.parametrize("metric", [quiet, healthy])
@pytest.mark.parametrize("name", ALARMS)
def test_a_new_deployment_rings_nothing(name: str, metric: Metric, extra: int) -> None:
    """For a day, with no stray, no check and no letter in it."""
    told = play(ALARMS[name], metric, DAY, extra)
    assert [each for each in told if each.state is not State.OK] == []


@pytest.mark.parametrize("extra", EXTRA)
def test_one_failure_that_mends_itself_rings_nothing(extra: int) -> None:
    """IAM throttles now and then, and the next try does it: nobody is to be woken for that."""
    alarm = ALARMS["ChecksFailingAlarm"]
    assert State.ALARM not in {t.state for t in play(alarm, once_an_hour, DAY, extra)}


def once_an_hour(minute: int) -> list[float]:
    """A check fails once, every hour."""
    return [1.0] if minute % 60 == 30 else []


@pytest.mark.parametrize("extra", EXTRA)
def test_a_heartbeat_that_is_late_rings_nothing(extra: int) -> None:
    """EventBridge promises no second: here each third beat is lost."""

    def faltering(minute: int) -> list[float]:
        return [0.0] if beat(minute) and minute // 5 % 3 else []

    told = list(play(ALARMS["SweepSilentAlarm"], faltering, DAY, extra))
    assert [each.state for each in told] == [State.OK]


@pytest.mark.parametrize("extra", EXTRA)
def test_a_mail_that_nobody_confirms_within_the_hour_is_told_of(extra: int) -> None:
    """Not at once: whoever deploys has to open the mail first."""
    alarm = ALARMS["UnheardAlarm"]

    def never(minute: int) -> list[float]:
        return [1.0] if beat(minute) else []

    (told,) = play(alarm, never, DAY, extra)
    assert told.state is State.ALARM
    assert 55 <= told.minute <= 70


def test_alarms_keep_to_cloudwatchs_limits() -> None:
    """PutMetricAlarm: periods of less than an hour may add up to a day at most."""
    for name, alarm in ALARMS.items():
        assert alarm["Period"] % 60 == 0, name
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400, name


def test_metrics_of_our_own_are_of_this_stack_alone() -> None:
    """Two stages would add up."""
    own = [alarm for alarm in ALARMS.values() if alarm["Namespace"] == "Straywatch"]
    assert len(own) == 3
    for alarm in own:
        assert alarm["Dimensions"] == [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}]


# The two tables of alarms-and-missing-data.html (docs/alarms.md): the points retrieved, the most
# recent last, and the state under missing, ignore, breaching and notBreaching.
_TABLE_3_OF_3 = [
    ([O, M, X, M, X], "OK OK OK OK"),
    ([O, M, M, M, M], "OK OK OK OK"),
    ([M, M, M, M, M], "INSUFFICIENT_DATA before ALARM OK"),
    ([O, X, X, M, X], "ALARM ALARM ALARM ALARM"),
    ([M, M, X, M, M], "ALARM before ALARM OK"),
]
_TABLE_2_OF_3 = [
    ([O, M, X, M, X], "ALARM ALARM ALARM ALARM"),
    ([O, O, X, O, X], "ALARM ALARM ALARM ALARM"),
    ([O, M, X, M, M], "OK OK ALARM OK"),
    ([M, M, M, M, O], "OK OK ALARM OK"),
    ([M, M, M, X, M], "ALARM before ALARM OK"),
]


@pytest.mark.parametrize("treated", ["missing", "ignore", "breaching", "notBreaching"])
@pytest.mark.parametrize(
    ("needed", "points", "states"),
    [(3, *row) for row in _TABLE_3_OF_3] + [(2, *row) for row in _TABLE_2_OF_3],
)
@pytest.mark.parametrize("before", [State.OK, State.ALARM])
def test_the_rules_are_those_of_aws(
    needed: int, points: list[float | None], states: str, treated: str, before: State
) -> None:
    """Row by row, column by column, as AWS's own tables have them."""
    alarm = {
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": needed,
        "TreatMissingData": treated,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
    }
    column = ["missing", "ignore", "breaching", "notBreaching"].index(treated)
    expected = states.split()[column]
    assert evaluated(alarm, points, before) == (before if expected == "before" else expected)


@pytest.mark.parametrize("treated", ["missing", "ignore"])
@pytest.mark.parametrize(
    ("points", "rings"),
    [
        ([M, M, M, M, X], False),
        ([M, M, M, X, M], False),
        ([M, M, M, X, O], False),
        ([M, M, X, M, O], False),
        ([M, M, X, M, M], True),
        ([M, M, X, M, X], True),
        ([M, X, M, M, M], True),
        ([X, M, M, M, M], True),
    ],
)
def test_an_alarm_does_not_ring_before_its_time(
    points: list[float | None], treated: str, *, rings: bool
) -> None:
    """The page's section on premature transitions: one that breaches is waited on, then it rings.

    The oldest that breaches counts "during the evaluation range", so further back, too.
    """
    alarm = {
        "EvaluationPeriods": 3,
        "TreatMissingData": treated,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 0,
    }
    told = evaluated(alarm, points, State.OK)
    assert told is (State.ALARM if rings and treated == "missing" else State.OK)


def test_an_alarm_on_the_sweeps_own_metric_would_not_do() -> None:
    """The rules bite: so it was, with days for the hours here and hours for the minutes."""
    old = {
        "Period": 3600,
        "Statistic": "Sum",
        "EvaluationPeriods": 1,
        "ComparisonOperator": "LessThanThreshold",
        "Threshold": 1,
        "TreatMissingData": "breaching",
        "AlarmActions": ["topic"],
        "OKActions": ["topic"],
    }

    def until_it_stops(minute: int) -> list[float]:
        return [1.0] if minute % 3 == 2 and minute < 180 else []

    told = list(play(old, until_it_stops, 600, 2))
    assert told[0] == Told(1, State.ALARM)  # a new stack rings
    assert told[-1].minute - 180 > 120  # two periods go by until the silence is noticed
