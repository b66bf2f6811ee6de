"""Each incident opens once and closes once, however messages are repeated, late or out of order."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.channels.interface import Relayed, from_topic
from chalicelib.channels.pager.incidents import PagerDutyEvent
from chalicelib.channels.pager.memory import TURN, AlarmContentionError, Memory
from chalicelib.channels.pager.relay import Pager
from chalicelib.channels.received import DEPLOYED, MalformedMessageError
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Message, digest_of
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Reason, Resolution, resolve
from chalicelib.domain.severity import Severity
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty
from tests.fakes import Clock, State, UnavailableError
from tests.unit.examples import ACCOUNT, EXAMPLES, FINDING, NOW, many
from tests.unit.hostile import messages
from tests.unit.sns_events import alarm_event, sns_event

OPENED = Alert(AlertType.OPENED, FINDING)
OVER = resolve(FINDING, Resolution(Reason.JOINED_GROUP, ("admins",)), at=NOW, now=NOW)
RESOLVED = Alert(AlertType.RESOLVED, OVER)
JSON = {"content-type": "application/json"}


@dataclass
class World:
    """A finding as the table has it, the pager's notes, and PagerDuty's stand-in.

    `on_the_way` happens once, when an event is sent and before PagerDuty has it; `killed` functions
    end as soon as PagerDuty has their event.
    """

    finding: Finding | NoFinding = FINDING
    now: datetime = NOW + timedelta(minutes=5)
    flood_over: bool = False
    severities: tuple[Severity, ...] = tuple(Severity)
    pagerduty: PagerDuty = field(default_factory=PagerDuty)
    state: State = field(default_factory=State)
    on_the_way: Callable[[], object] | None = None
    killed: int = 0
    given_up: bool = False

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands."""
        known = isinstance(self.finding, Finding) and self.finding.finding_id == finding_id
        return self.finding if known else NoFinding()

    def is_flood_over(self, _: Account, __: str) -> bool:
        """Whether the flood is over."""
        return self.flood_over

    def send(self, event: PagerDutyEvent, is_over: Callable[[], bool] = lambda: False) -> None:
        """Take an event as PagerDuty would; the world may move on before it comes there."""
        act, self.on_the_way = self.on_the_way, None
        if act:
            act()
        self.given_up |= is_over()
        body = json.dumps(event.body(ROUTING_KEY)).encode()
        assert self.pagerduty.receive(JSON, body).status == 202, self.pagerduty.refused
        if self.killed:
            self.killed -= 1
            raise UnavailableError

    @property
    def pager(self) -> Pager:
        """The channel under test."""
        return Pager(
            findings=self,
            is_flood_over=self.is_flood_over,
            severities=self.severities,
            memory=Memory(self.state, Clock(self.now), lambda _: None),
            send=self.send,
        )

    def page(self, *messages: Message) -> list[Relayed]:
        """Relay messages as SNS hands them over."""
        return from_topic(self.pager, sns_event(*messages))

    def hear(self, state: str, minute: int, **changes: str) -> list[Relayed]:
        """Relay an alarm that changed its state at this minute."""
        at = f"2026-11-23T03:{minute:02d}:00.000+0000"
        told = {"NewStateValue": state, "StateChangeTime": at} | changes
        return from_topic(self.pager, alarm_event(**told))

    def end(self) -> None:
        """The finding is resolved, and its message relayed."""
        self.finding = OVER
        self.page(RESOLVED)

    @property
    def lives(self) -> list[tuple[int, int]]:
        """How often each incident was opened and closed."""
        return [(each.opened, each.closed) for each in self.pagerduty.incidents.values()]


def test_an_incident_opens_and_closes_with_its_finding() -> None:
    """Trigger and resolve carry the finding's id; the severity is mapped."""
    world = World()
    assert world.page(OPENED) == [Relayed.SENT]
    (incident,) = world.pagerduty.incidents.values()
    assert incident.dedup_key == FINDING.finding_id
    assert incident.severity == "error"
    world.finding = OVER
    assert world.page(RESOLVED) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_a_repeat_after_the_end_opens_nothing() -> None:
    """PagerDuty would open a new incident for a trigger after a resolve: none is sent."""
    world = World()
    world.page(OPENED, OPENED)
    world.finding = OVER
    world.page(RESOLVED, RESOLVED)
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.lives == [(1, 1)]


def test_a_resolve_that_comes_first_leaves_nothing_open() -> None:
    """Nobody is woken for what is over: the late trigger is not sent."""
    world = World(finding=OVER)
    world.page(RESOLVED)
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.lives == []


def test_a_finding_that_ends_while_it_is_paged_is_closed() -> None:
    """Its resolve overtakes the trigger: after sending, the finding is looked at again."""
    world = World()
    world.on_the_way = world.end
    world.page(OPENED)
    assert world.lives == [(1, 1)]


def test_between_two_attempts_a_page_may_be_over() -> None:
    """Whoever sends it can ask, so that it is not sent again once its finding has ended."""
    world = World()
    world.page(OPENED)
    assert not world.given_up
    world.on_the_way = world.end
    world.page(OPENED)
    assert world.given_up


def test_a_pager_killed_before_it_looked_again_is_made_good() -> None:
    """The resolve overtook the trigger, and the function died with it: its repeat closes."""
    world = World(killed=1)

    def overtake() -> None:
        world.killed = 0
        world.end()
        world.killed = 1

    world.on_the_way = overtake
    with pytest.raises(UnavailableError):
        world.page(OPENED)
    assert world.lives == [(1, 0)]
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.lives == [(1, 1)]


@pytest.mark.parametrize("severity", Severity)
def test_only_the_chosen_severities_page(severity: Severity) -> None:
    """Neither a finding nor its end is sent to PagerDuty below them."""
    world = World(severities=(Severity.HIGH, Severity.CRITICAL))
    finding = replace(FINDING, severity=severity)
    became = world.page(Alert(AlertType.OPENED, finding))
    pages = severity >= Severity.HIGH
    assert became == [Relayed.SENT if pages else Relayed.IGNORED]
    world.finding = replace(OVER, severity=severity)
    assert world.page(Alert(AlertType.RESOLVED, world.finding)) == became
    assert world.lives == ([(1, 1)] if pages else [])
    assert world.pagerduty.requests == (2 if pages else 0)


def test_a_narrower_choice_closes_what_a_wider_one_opened() -> None:
    """The resolve follows what was triggered, not what would be by now."""
    world = World()
    world.page(OPENED, EXAMPLES["digest"])
    world.severities, world.flood_over = (), True
    world.finding = OVER
    assert world.page(RESOLVED, EXAMPLES["digest-settled"]) == [Relayed.SENT] * 2
    assert world.lives == [(1, 1)] * 2


def test_what_an_earlier_version_opened_is_closed() -> None:
    """It remembered nothing: what pages by its severity is closed for certain."""
    world = World()
    world.page(OPENED)
    world.state.documents.clear()
    world.end()
    assert world.lives == [(1, 1)]


def test_a_late_repeat_of_what_never_paged_asks_pagerduty_nothing() -> None:
    """For an end that came before its opening there is nothing to send."""
    world = World(finding=OVER)
    assert world.page(OPENED) == [Relayed.OVER]
    assert world.pagerduty.requests == 0


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_happens_an_incident_opens_once_and_closes_once(data: st.DataObject) -> None:
    """In any order, with repeats, kills and messages that overtake: the end leaves nothing open."""
    world = World()
    waiting: list[Message] = [OPENED, OPENED, Alert(AlertType.ESCALATED, FINDING)]
    ending: list[Message] = [RESOLVED, RESOLVED]

    def relay(message: Message) -> None:
        world.killed = data.draw(st.sampled_from([0, 0, 1]))
        overtaken: bool = data.draw(st.booleans())
        if waiting and overtaken:
            world.on_the_way = lambda: relay(waiting.pop(0)) if waiting else None
        try:
            world.page(message)
        except UnavailableError:
            waiting.append(message)

    for _ in range(20):
        if ending and data.draw(st.sampled_from([False, False, True])):
            world.finding = OVER
            waiting.append(ending.pop())
        elif waiting:
            relay(waiting.pop(data.draw(st.integers(0, len(waiting) - 1))))
    world.finding, world.on_the_way = OVER, None
    for message in [*waiting, *ending]:
        world.killed = 0
        world.page(message)
    assert all(opened == closed for opened, closed in world.lives)


@given(st.permutations(["opened", "opened", "escalated", "end", "resolved", "resolved"]))
def test_in_any_order_an_incident_opens_and_closes_at_most_once(steps: list[str]) -> None:
    """The table knows the end before any `resolved` is published; all else may come as it likes."""
    world = World()
    ended = False
    late = []
    messages = {"opened": OPENED, "resolved": RESOLVED}
    messages["escalated"] = Alert(AlertType.ESCALATED, FINDING)
    for step in steps:
        if step == "end":
            ended, world.finding = True, OVER
        elif step == "resolved" and not ended:
            late.append(step)
        else:
            world.page(messages[step])
    for step in late:
        world.page(messages[step])
    assert world.lives in ([], [(1, 1)])


def test_an_escalation_adds_to_its_incident() -> None:
    """It opens no second incident, and raises the severity of the one there is."""
    world = World()
    world.page(OPENED, EXAMPLES["escalated"])
    assert world.lives == [(1, 0)]
    (incident,) = world.pagerduty.incidents.values()
    assert incident.severity == "critical"


@pytest.mark.parametrize("name", ["reminder", "flapping"])
def test_who_is_on_call_is_not_reminded(name: str) -> None:
    """PagerDuty reminds by itself, as its own escalation policy says."""
    world = World()
    assert world.page(EXAMPLES[name]) == [Relayed.IGNORED]
    assert world.pagerduty.requests == 0


def test_a_flood_is_one_incident_that_closes() -> None:
    """The digest opens it, the digest that says it is over closes it, a late one opens nothing."""
    world = World()
    world.page(EXAMPLES["digest"], EXAMPLES["digest"])
    world.flood_over = True
    world.page(EXAMPLES["digest-settled"])
    assert world.page(EXAMPLES["digest"]) == [Relayed.OVER]
    assert world.lives == [(1, 1)]


def test_a_digest_of_reminders_pages_nobody() -> None:
    """PagerDuty reminds by itself of what it has an incident for, and of nothing else."""
    world = World()
    assert world.page(EXAMPLES["digest-reminder"]) == [Relayed.IGNORED]
    assert world.lives == []


def test_an_escalation_of_many_pages() -> None:
    """None of them need have an incident: what is told singly pages from some severity on alone."""
    world = World(severities=(Severity.HIGH, Severity.CRITICAL))
    raised = [replace(finding, quiet=False, severity=Severity.HIGH) for finding in many(16)]
    digest = digest_of(ACCOUNT, raised, digest_id="x", at=NOW, of=AlertType.ESCALATED)
    assert world.page(digest) == [Relayed.SENT]
    over = digest_of(
        ACCOUNT, [], digest_id="x", at=NOW, of=AlertType.ESCALATED, here_at_least=Severity.HIGH
    )
    assert world.page(over) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_a_flood_pages_by_those_of_whom_nothing_else_tells() -> None:
    """Who is bad among them has an incident of its own: one page for one trouble."""
    world = World(severities=(Severity.HIGH, Severity.CRITICAL))
    low = [replace(finding, severity=Severity.LOW) for finding in many(12)]
    bad = replace(FINDING, severity=Severity.CRITICAL)
    assert world.page(digest_of(ACCOUNT, low, digest_id="x", at=NOW, loud=[bad])) == [
        Relayed.IGNORED
    ]
    world.severities = (Severity.LOW, *world.severities)
    world.page(digest_of(ACCOUNT, low, digest_id="x", at=NOW, loud=[bad]))
    (incident,) = world.pagerduty.incidents.values()
    assert incident.severity == "info"


def test_an_alarm_opens_and_closes_its_own_incident() -> None:
    """The monitor's own alarms page, too, and whatever severities do: they have none."""
    world = World(severities=())
    assert world.hear("ALARM", 1) == [Relayed.SENT]
    assert world.hear("OK", 3) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_a_deployment_pages_nobody() -> None:
    """It is told like an alarm, since somebody may be tampering; it is in the mail."""
    world = World(severities=())
    assert world.hear(DEPLOYED, 1) == [Relayed.IGNORED]
    assert world.lives == []


def test_an_alarm_that_knows_nothing_any_more_pages() -> None:
    """It is sent by alarms that ask for it alone; what cannot be known is not fine."""
    world = World()
    assert world.hear("INSUFFICIENT_DATA", 2) == [Relayed.SENT]
    assert world.hear("ALARM", 3) == [Relayed.SENT]
    assert world.hear("OK", 4) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_an_older_alarm_after_its_end_opens_nothing() -> None:
    """Nothing would ever close it: the later change holds, by the alarm's own time."""
    world = World()
    world.hear("OK", 2)
    assert world.hear("ALARM", 1) == [Relayed.OVER]
    assert world.lives == []


def test_a_late_end_does_not_close_the_next_alarm() -> None:
    """An OK of before leaves the incident of the alarm that is on."""
    world = World()
    world.hear("ALARM", 1)
    world.hear("ALARM", 3)
    assert world.hear("OK", 2) == [Relayed.OVER]
    assert world.lives == [(1, 0)]
    world.hear("OK", 4)
    assert world.lives == [(1, 1)]


@pytest.mark.parametrize("states", [("ALARM", "OK"), ("OK", "ALARM")])
def test_of_two_changes_at_one_instant_the_end_holds(states: tuple[str, str]) -> None:
    """Whichever comes first: nothing stays open that nothing would close."""
    world = World()
    for state in states:
        world.hear(state, 1)
    assert world.lives in ([(1, 1)], [])


def test_alarms_are_apart() -> None:
    """The end of one is not the end of another."""
    world = World()
    other = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:straywatch-Other"
    world.hear("OK", 2, AlarmArn=other)
    world.hear("ALARM", 1)
    assert world.lives == [(1, 0)]


def test_an_alarm_without_its_time_changed_as_it_is_heard() -> None:
    """Whoever plays one by hand need not make up a time."""
    world, untimed = World(), ""
    assert world.hear("ALARM", 1, StateChangeTime=untimed) == [Relayed.SENT]
    world.now += timedelta(minutes=5)
    assert world.hear("OK", 21) == [Relayed.SENT]
    assert world.lives == [(1, 1)]
    world.now += timedelta(minutes=5)
    assert world.hear("ALARM", 1, StateChangeTime=untimed) == [Relayed.SENT]
    assert world.hear("OK", 24) == [Relayed.OVER]
    assert world.lives == [(2, 1)]


def test_a_repeated_alarm_opens_nothing_new() -> None:
    """PagerDuty ties it to the incident that is open; an alarm need have no description."""
    world = World()
    assert world.hear("ALARM", 1, AlarmDescription="") == [Relayed.SENT]
    assert world.hear("ALARM", 1, AlarmDescription="") == [Relayed.OVER]
    assert world.lives == [(1, 0)]


def test_one_worker_at_a_time_sends_of_an_alarm() -> None:
    """A copy that is slow opens no incident again; what ends meanwhile is closed after it."""
    world = World()

    def meanwhile() -> None:
        with pytest.raises(AlarmContentionError):
            world.hear("ALARM", 1)
        assert world.hear("OK", 2) == [Relayed.OVER]
        assert world.lives == []

    world.on_the_way = meanwhile
    assert world.hear("ALARM", 1) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_the_turn_of_a_worker_that_was_killed_ends() -> None:
    """Before Lambda tries again what was killed."""
    world = World()

    def killed() -> None:
        raise SystemExit

    world.on_the_way = killed
    with pytest.raises(SystemExit):
        world.hear("ALARM", 1)
    world.now += TURN - timedelta(seconds=1)
    with pytest.raises(AlarmContentionError):
        world.hear("ALARM", 1)
    world.now += timedelta(seconds=1)
    assert world.hear("ALARM", 1) == [Relayed.SENT]
    assert world.lives == [(1, 0)]


def test_who_cannot_send_gives_up_the_turn() -> None:
    """The next message tries at once."""
    world = World(killed=1)
    with pytest.raises(UnavailableError):
        world.hear("ALARM", 1)
    assert world.hear("OK", 2) == [Relayed.SENT]
    assert world.lives == [(1, 1)]


def test_health_pages_though_it_is_about_no_finding() -> None:
    """No table can tell whether it is over."""
    world = World()
    assert world.page(EXAMPLES["health-missed-events"]) == [Relayed.SENT]
    assert world.lives == [(1, 0)]


def test_an_incident_is_remembered_for_longer_than_one_stays_open() -> None:
    """400 days from when it was opened; then the table forgets it."""
    world = World()
    world.page(OPENED)
    (note,) = world.state.documents.values()
    assert note["expires_at"] == (world.now + timedelta(days=400)).timestamp()


@pytest.mark.parametrize(
    "changes",
    [
        {"StateChangeTime": "yesterday"},
        {"StateChangeTime": "0001-01-01T00:00:00+14:00"},
        {"StateChangeTime": "2026-11-23T03:15:00"},
        {"AlarmArn": "DeadLetterAlarm"},
    ],
)
def test_an_alarm_that_cannot_be_read_is_refused(changes: dict[str, str]) -> None:
    """It is dead-lettered, where somebody sees it; no order is guessed."""
    world = World()
    with pytest.raises(MalformedMessageError):
        from_topic(world.pager, alarm_event(**changes))
    assert world.pagerduty.requests == 0


def test_an_alarm_that_others_keep_noting_comes_again() -> None:
    """Lambda repeats what is raised; nothing is sent on a guess."""
    world = World(state=State(conflicts=100))
    with pytest.raises(AlarmContentionError):
        world.hear("ALARM", 1)
    assert world.pagerduty.requests == 0
    world.state.conflicts = 2
    assert world.hear("ALARM", 1) == [Relayed.SENT]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_alarms_in_any_order_leave_their_incident_as_the_last_one_says(data: st.DataObject) -> None:
    """Repeated, reordered, overtaken, killed half-way: no incident stays, and none is missing."""
    world = World()
    changes = [("ALARM", 1), ("OK", 2), ("ALARM", 3), ("OK", 4)][: data.draw(st.integers(1, 4))]
    waiting: list[Any] = data.draw(st.permutations(changes * 2))

    def relay(state: str, minute: int) -> None:
        world.killed = data.draw(st.sampled_from([0, 0, 1]))
        overtaken: bool = data.draw(st.booleans())
        if waiting and overtaken:
            world.on_the_way = lambda: relay(*waiting.pop(0)) if waiting else None
        try:
            world.hear(state, minute)
        except (UnavailableError, AlarmContentionError):
            waiting.append((state, minute))

    for _ in range(20):
        if waiting:
            relay(*waiting.pop(0))
        world.now += TURN
    world.on_the_way, world.killed = None, 0
    for state, minute in waiting:
        world.hear(state, minute)
    assert [opened - closed for opened, closed in world.lives] in (
        [[1]] if changes[-1][0] == "ALARM" else [[0], []]
    )
    assert sum(opened for opened, _ in world.lives) <= len(changes) // 2 + len(changes) % 2


@given(st.permutations([("ALARM", 1), ("OK", 2), ("ALARM", 3), ("OK", 4)] * 2))
def test_repeats_in_any_order_open_no_incident_again(waiting: list[tuple[str, int]]) -> None:
    """At most one for each time that the alarm went on."""
    world = World()
    for state, minute in waiting:
        world.hear(state, minute)
    assert world.lives in ([], [(1, 1)], [(2, 2)])


def test_a_test_of_a_flood_pages() -> None:
    """No flood of its id was ever known, and whoever tests the way wants to see it arrive."""
    world = World(flood_over=True)
    test = digest_of(ACCOUNT, many(3), digest_id="test", at=NOW, test=True)
    assert world.page(test) == [Relayed.SENT]
    assert world.lives == [(1, 0)]


def test_a_test_is_no_finding() -> None:
    """Though the table has a finding of that id that is over, the test goes its whole way."""
    world = World(finding=OVER)
    assert world.page(Alert(AlertType.OPENED, FINDING, test=True)) == [Relayed.SENT]
    assert world.lives == [(1, 0)]


@pytest.mark.parametrize("name", EXAMPLES)
def test_pagerduty_takes_every_page(name: str) -> None:
    """Whatever is paged keeps to PagerDuty's published schema and limits."""
    world = World(finding=NoFinding())
    world.page(EXAMPLES[name])
    assert world.pagerduty.refused == []


@settings(max_examples=60, deadline=None)
@given(messages())
def test_no_text_breaks_a_page(message: Message) -> None:
    """PagerDuty takes the event whatever names and agents hold, and links stay our own."""
    world = World(finding=NoFinding())
    world.page(message)
    assert world.pagerduty.refused == []
