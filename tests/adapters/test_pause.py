"""A pause holds what is to be told, loses none of it, and ends by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from chalicelib.domain.exemptions import InvalidConfigurationError, parse
from chalicelib.domain.pauses import LONGEST, Pause
from straywatch.exempting.document import EMPTY, with_pause
from tests.adapters.aws import client
from tests.adapters.stack import Stack, aws_in_memory
from tests.adapters.test_promises_kept import GRACE, call, created, join
from tests.unit.records import at

HOUR, NOON = timedelta(hours=1), at(0)


@pytest.fixture
def stack() -> Iterator[Stack]:
    """All resources, a group, and a clock that stands at noon."""
    with aws_in_memory() as made:
        client("iam").create_group(GroupName="nurses")
        yield made


def pause(stack: Stack, lasts: timedelta = 2 * HOUR) -> Pause:
    """Pause from now on."""
    now = stack.clock.now
    made = Pause(now, now + lasts, "OPS-12: a move", "arn:aws:iam::123456789012:user/ops")
    store(stack, with_pause(EMPTY, made))
    return made


def store(stack: Stack, text: str) -> None:
    """Put a configuration document in force."""
    name = stack.environment["CONFIG_PARAMETER"]
    client("ssm").put_parameter(Name=name, Value=text, Type="String", Overwrite=True)


def checks(stack: Stack) -> None:
    """Make every check that waits, as if it were due."""
    for body in stack.queued():
        stack.deployment().check(body)


def sweep(stack: Stack) -> None:
    """A sweep with time enough."""
    own = stack.deployment()
    own.sweep(lambda: 600.0).run(own.own)


def stray(stack: Stack, name: str = "bob") -> None:
    """Make a user whose grace is over, and the check that says so."""
    stack.create_user(name, stack.clock.now)
    begun = (stack.clock.now - NOON).total_seconds()
    stack.deployment().receive(created(begun, name))
    stack.clock.advance(GRACE + 1)
    checks(stack)


def test_a_finding_that_opens_in_a_pause_is_told_once_when_it_ends(stack: Stack) -> None:
    """However many sweeps and checks come by meanwhile; the check that waits tells it."""
    pause(stack)
    stray(stack)
    (waiting,) = stack.queued()
    for _ in range(3):
        sweep(stack)
    assert (stack.told(), stack.queued()) == ([], [])
    stack.called.clear()
    stack.deployment().check(waiting)  # SQS holds no message back for longer than 15 minutes
    assert not [call for call in stack.called if call.startswith("iam:")]
    (finding,) = stack.deployment().findings.live(stack.deployment().own)
    assert (finding.outbox, finding.claimed_until) == (("opened",), NOON + 2 * HOUR)
    stack.clock.now = NOON + 2 * HOUR
    checks(stack)
    sweep(stack)
    assert stack.told() == [("opened", "bob")]


def test_what_ends_in_a_pause_is_told_with_its_beginning(stack: Stack) -> None:
    """An opened that was held goes before its resolved: no receiver is left with half a story."""
    pause(stack)
    stray(stack)
    join("bob")
    stack.deployment().receive(call("AddUserToGroup", GRACE + 5))
    checks(stack)
    assert stack.told() == []
    stack.clock.now = NOON + 2 * HOUR
    checks(stack)
    checks(stack)
    assert stack.told() == [("opened", "bob"), ("resolved", "bob")]


def test_an_end_of_what_was_told_before_waits_too(stack: Stack) -> None:
    """The finding is over at once; people hear of it with the rest."""
    stray(stack)
    assert stack.told() == [("opened", "bob")]
    paused = pause(stack)
    join("bob")
    stack.deployment().receive(call("AddUserToGroup", GRACE + 5))
    checks(stack)
    assert stack.told() == []
    stack.clock.now = paused.until
    sweep(stack)
    assert stack.told() == [("resolved", "bob")]


def test_a_pause_that_goes_on_holds_on(stack: Stack) -> None:
    """What was held until the end of the first waits for the end of the second."""
    pause(stack)
    stray(stack)
    stack.clock.now = NOON + 2 * HOUR - timedelta(seconds=30)
    longer = pause(stack)
    stack.clock.now = NOON + 2 * HOUR
    checks(stack)
    assert stack.told() == []
    stack.clock.now = longer.until
    checks(stack)
    assert stack.told() == [("opened", "bob")]


def test_no_reminder_falls_due_in_a_pause(stack: Stack) -> None:
    """Nor does a digest; the sweep after it sends them."""
    stray(stack)
    assert stack.told() == [("opened", "bob")]
    stack.clock.now += timedelta(days=2)
    paused = pause(stack)
    sweep(stack)
    assert stack.told() == []
    stack.clock.now = paused.until
    sweep(stack)
    assert [kind for kind, _ in stack.told()] in (["escalated"], ["reminder"])


def test_what_stays_in_force_is_read_by_a_release_that_knows_no_pause(stack: Stack) -> None:
    """It refuses the document, keeps to the last good one, and goes on looking."""
    pause(stack)
    stray(stack)
    own = stack.deployment()
    noted = own.state.document(own.own, "configuration")
    assert "pause" not in json.loads(noted["good"])
    assert "pause" in json.loads(noted["paused"])


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"begins": "x"}, "pause: must be an object of"),
        (7, "pause: must be an object of"),
        ({"until": "2026-01-03T00:00:01Z"}, "pause: must last for 24 hours"),
        ({"until": "2026-01-01T00:00:00Z"}, "pause: must last for 24 hours"),
        ({"until": "soon"}, "pause: begins and until must be times"),
        ({"by": " "}, "pause: all in it must be text"),
        ({"by": 7}, "pause: all in it must be text"),
        ({"reason": "TODO"}, "pause.reason: must say why"),
    ],
)
def test_a_pause_that_is_refused(entry: object, fault: str) -> None:
    """One without end, reason or name would be silence that nobody answers for."""
    good = {
        "begins": "2026-01-02T00:00:00Z",
        "until": "2026-01-02T02:00:00Z",
        "reason": "OPS-12",
        "by": "arn",
    }
    told = entry
    if isinstance(entry, dict) and entry != {"begins": "x"}:
        told = good | entry
    with pytest.raises(InvalidConfigurationError, match=fault):
        parse(json.dumps({"version": 1, "pause": told}))
    pause = parse(json.dumps({"version": 1, "pause": good})).pause
    assert pause is not None
    assert pause.until - pause.begins < LONGEST
