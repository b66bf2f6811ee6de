"""The simulated account: plays a plan against the product, and tells all that was seen."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from chalicelib.domain.events import LOST_EVENTS
from tests.simulation.before import (
    cause_of,
    check_message,
    delay_of,
    mark_key,
    marked,
    with_expiry,
)
from tests.simulation.clients import Call, Gateway, Service
from tests.simulation.draws import Draws
from tests.simulation.dynamodb import SimulatedDynamoDB, Table
from tests.simulation.expressions import Item
from tests.simulation.iam import ACCOUNT_ID, SimulatedIam
from tests.simulation.journal import Event, Journal, Published
from tests.simulation.kernel import DAY, MINUTE, SECOND, EndlessError, Kernel
from tests.simulation.lambdas import AsyncCalls, Lambda, Poller
from tests.simulation.plan import Act, Do, Plan
from tests.simulation.product import Product
from tests.simulation.receivers import (
    CHAT_TOPIC,
    HUB,
    PAGER,
    SETTINGS,
    SimulatedReceivers,
    subscribers,
)
from tests.simulation.records import EVENT_NAMES, alarm, envelope, sns_event, told_at
from tests.simulation.sns import Notification, SimulatedSns
from tests.simulation.sqs import Message, Queue, SimulatedSqs
from tests.simulation.ssm import SimulatedSsm
from tests.simulation.truth import Truth, User
from tests.simulation.weather import Weather
from tests.unit.environment import ENVIRONMENT

CHECKS, DEAD_LETTERS = "check-queue", "dead-letter-queue"
FINDINGS, STATE = "findings", ENVIRONMENT["STATE_TABLE"]
_SETTLING = 20 * MINUTE
"""Longer than what failed last may take to be tried again, or to be dead-lettered."""

_LAST_SWEEPS = 3
"""One that sees what is left, one that a grace later acts, one that finds nothing more to do."""


class _Log(io.StringIO):
    """The product's log, each line with its time."""

    def __init__(self, kernel: Kernel, journal: Journal) -> None:
        super().__init__()
        self._kernel = kernel
        self._journal = journal

    def write(self, text: str) -> int:
        """Note one line; metrics tell nothing that matters here."""
        fields = json.loads(text)
        event = fields.pop("event")
        if event != "metrics":
            outcome = fields.get("outcome", "")
            self._journal.situations[f"{event} {outcome}".rstrip()] += 1
            told = " ".join(f"{name}={value}" for name, value in fields.items())
            self._journal.say(self._kernel.now, f"    {event} {told}")
        return len(text)


class World:
    """One account, one deployment of the product, and the weather."""

    def __init__(self, plan: Plan, product: Product, weather: Weather | None = None) -> None:
        self.plan = plan
        self.kernel = Kernel()
        self.journal = Journal()
        self.truth = Truth()
        self.weather = weather or Weather(plan)
        self.dead_letters = Queue(self.kernel)
        self.checks = Queue(self.kernel, on_dead=self._dead)
        self.tables = SimulatedDynamoDB(self.kernel, plan.luck % 3 * DAY, self._stored)
        self.imports = Queue(self.kernel, on_dead=self._dead)
        receivers = SimulatedReceivers(self.kernel, self.journal)
        self.journal.calm_at = plan.calm_at
        services: dict[str, Service] = {
            **dict.fromkeys(("pagerduty", "events", "securityhub", "secretsmanager"), receivers),
            "iam": SimulatedIam(self.kernel, self.truth, self.journal, plan),
            "dynamodb": self.tables,
            "sqs": SimulatedSqs({CHECKS: self.checks, DEAD_LETTERS: self.dead_letters}),
            "sns": SimulatedSns(self._delivered, {CHAT_TOPIC: receivers.post_card}),
            "ssm": SimulatedSsm(self.kernel, self.truth),
        }
        gateway = Gateway(self.kernel, self.journal, self.weather, services)
        self.functions = Lambda(
            self.kernel, self.journal, product, plan, gateway, _environment(plan)
        )
        self.events = AsyncCalls(self.functions, self.dead_letters)
        self.poller = Poller(self.functions, self.checks, plan.luck, plan.duplicate_rate)
        self.checks.on_send = self.poller.watch
        importer = Poller(self.functions, self.imports, plan.luck, plan.duplicate_rate, HUB)
        self.imports.on_send = importer.watch
        self.dead_letters.on_send = self._aside

    def play(self) -> None:
        """Play the whole plan, then let all settle."""
        self.truth.settle_crowd(self.plan.crowd, self.plan.crowd_strays)
        self.journal.graces.append((0, self.plan.grace_seconds * SECOND))
        self.journal.situations.update(self.plan.situations)
        with redirect_stdout(_Log(self.kernel, self.journal)):
            for number, act in enumerate(self.plan.acts):
                self.kernel.at(act.at, lambda a=act, n=number: self._act(a, n))  # type: ignore[misc]  # defaults bind the loop's values
            self._run(self._schedule())
        self.journal.kept_of_others += self._kept_of_others()
        queues = {CHECKS: self.checks, DEAD_LETTERS: self.dead_letters, HUB: self.imports}
        for name, queue in queues.items():
            self.journal.left_over += [f"{name}: {m.body}" for m in queue.messages.values()]

    def _run(self, end: int) -> None:
        try:
            self.kernel.run(end)
        except EndlessError:
            self.journal.endless = True
        self.journal.ended_at = self.kernel.now

    def _kept_of_others(self) -> list[str]:
        """Keys that name an account or a partition which is not watched."""
        others = {act.elsewhere.split()[0] for act in self.plan.acts if act.elsewhere}
        strange = (others - {ACCOUNT_ID}) | {"aws-cn", "aws-us-gov"}
        return [
            " ".join(key)
            for table in self.tables.tables.values()
            for key in table.versions
            if any(name in key[0] for name in strange)
        ]

    def _schedule(self) -> int:
        """Sweeps and redrives: as planned, then until nothing can be left to do."""
        plan = self.plan
        changed = [int(act.other) for act in plan.acts if act.do is Do.SET_GRACE]
        grace = max(plan.grace_seconds, *changed, 0) * SECOND
        sweeps = [*range(plan.sweep_every, plan.calm_at, plan.sweep_every), *plan.extra_sweeps]
        redrives = [*plan.redrives, plan.calm_at + _SETTLING]
        at = plan.calm_at + _SETTLING + 5 * MINUTE
        for _ in range(_LAST_SWEEPS):
            sweeps.append(at)
            at += grace + 5 * MINUTE + plan.iam_lag
        for when in sweeps:
            self.kernel.at(when, lambda: self.events.call("sweep", {}, "account"))
        for when in redrives:
            self.kernel.at(when, self.redrive)
        return at

    def _act(self, act: Act, number: int) -> None:
        now = self.kernel.now
        user = self.truth.apply(act, now)
        until = "" if act.until is None else f" until {act.until / SECOND:.3f}"
        told = f"{act.do} {act.name} {act.other}{until} {act.elsewhere}".rstrip()
        if act.do is Do.SET_GRACE:
            self._set_grace(int(act.other))
        elif act.do is Do.ALARM:
            self._tell_alarm(act, number)
        elif act.do is Do.QUEUE:
            self.checks.put(check_message(act.name, now, elsewhere=act.elsewhere))
        elif act.elsewhere:
            event_id = f"e-{number + 1}"
            self.journal.foreign.add(event_id)
            self._send(act, "", event_id)
        elif act.do in EVENT_NAMES and user is None:
            self.journal.say(now, f"{told}: not possible")
            return
        self.journal.say(now, told)
        if user and act.do in EVENT_NAMES:
            self._tell(act, user, f"e-{number + 1}")

    def _set_grace(self, seconds: int) -> None:
        """A deployment with another grace, while checks are in flight."""
        self.functions.deploy(_environment(self.plan) | {"GRACE_PERIOD_SECONDS": str(seconds)})
        self.journal.graces.append((self.kernel.now, seconds * SECOND))

    def _tell_alarm(self, act: Act, number: int) -> None:
        """Have the health topic tell the pager that an alarm changed, as often as planned."""
        if act.deliveries:
            self.journal.alarms.append(act)
        told = Notification(f"{act.other}: {act.name}", json.dumps(alarm(act)), {})
        for delay in act.deliveries:
            self._hand_over(PAGER, told, f"{PAGER} of alarm {number}", delay)

    def _hand_over(self, function: str, told: Notification, about: str, delay: int) -> None:
        event = sns_event(told, about)
        self.journal.handed_over.append(about)
        later = self.kernel.now + delay
        self.kernel.at(later, lambda: self.events.call(function, event, about))

    def _tell(self, act: Act, before: User, event_id: str) -> None:
        """Have CloudTrail tell of what was done to the user, as it was before."""
        now = self.kernel.now
        self.journal.events.append(
            Event(
                event_id,
                now,
                told_at(now),
                EVENT_NAMES[act.do],
                before.user_id,
                act.name,
                act.other,
                bool(before.groups),
            )
        )
        self._send(act, before.user_id, event_id)

    def _send(self, act: Act, user_id: str, event_id: str) -> None:
        """Deliver the event as often, and as late, as the plan has it."""
        now = self.kernel.now
        function = (
            "on_membership_lost" if EVENT_NAMES[act.do] in LOST_EVENTS else "on_membership_settled"
        )
        body = envelope(act, user_id, event_id, now)
        for delay in act.deliveries:
            if now + delay < self.plan.upgrade_at:
                self.kernel.at(now + delay, lambda: self._take_as_before(act, user_id, body))
            else:
                self.kernel.at(now + delay, lambda: self.events.call(function, body, event_id))
        kind = {0: "event lost", 1: ""}.get(len(act.deliveries), "event repeated")
        if kind:
            self.journal.faults[kind] += 1
        if any(delay > MINUTE for delay in act.deliveries):
            self.journal.faults["event late by more than a minute"] += 1

    def _take_as_before(self, act: Act, user_id: str, body: Mapping[str, Any]) -> None:
        """Let the version before this one take in an event."""
        now, since = self.kernel.now, told_at(act.at)
        cause = cause_of(body["detail"], since)
        table = self.tables.tables.setdefault(STATE, Table())
        key = mark_key(act.name)
        item = table.get((key["pk"]["S"], key["sk"]["S"])) or {}
        mark = with_expiry(marked(dict(item), act, cause, user_id), now)
        table.put((key["pk"]["S"], key["sk"]["S"]), mark, now)
        if act.do in (Do.CREATE, Do.REMOVE):
            wait = delay_of(since, self.plan.grace_seconds * SECOND, now)
            self.checks.put(check_message(act.name, since, cause=cause), wait)
        self.journal.taken.setdefault(body["id"], now)
        self.journal.say(now, f"  the version before takes in {body['id']}")

    def redrive(self) -> None:
        """Run again all that lies in the dead-letter queue."""
        self.journal.redriven.append(self.kernel.now)
        for message in list(self.dead_letters.messages.values()):
            self.dead_letters.delete(message)
            content = json.loads(message.body)
            if "requestPayload" in content:
                function = content["requestContext"]["functionArn"].split(":")[6]
                payload = content["requestPayload"]
                self.events.call(function, payload, _about(payload))
            else:
                (self.imports if "schema" in content else self.checks).put(message.body)

    def _dead(self, message: Message) -> None:
        self.dead_letters.put(message.body)

    def _aside(self, message: Message) -> None:
        about = message.body[:120]
        self.journal.dead_lettered.append((self.kernel.now, about))
        self.journal.say(self.kernel.now, f"  dead-lettered: {about} {dict(message.attributes)}")

    def _delivered(self, told: Notification, call: Call) -> None:
        now, body = self.kernel.now, json.loads(told.text)
        self.journal.published.append(Published(now, call.invocation, body))
        finding = body["finding"] or {}
        self.journal.say(now, f"    >>> {body['type']} {finding.get('id', body.get('notice'))}")

        if self.plan.channels:
            self._fan_out(told)

    def _fan_out(self, told: Notification) -> None:
        """Hand a message to every channel, mostly at once, now and then late, or twice."""
        number = len(self.journal.published)
        for function in subscribers(told):
            luck = Draws(self.plan.luck, function, number)
            for _ in range(2 if luck.chance(0.05) else 1):
                delay = luck.between(50, 2000 if luck.chance(0.9) else 60 * SECOND)
                if function == HUB:
                    self.imports.put(told.text, delay)
                else:
                    self._hand_over(function, told, f"{function} of message {number}", delay)

    def _stored(self, table: str, item: Item, call: Call) -> None:
        if table == FINDINGS and "finding_id" in item:
            finding_id = item["finding_id"]["S"]
            self.journal.recorded.setdefault(finding_id, (self.kernel.now, call.invocation))
            self.journal.crowds[finding_id] = item.get("crowd", {"S": ""})["S"]


def _about(payload: Mapping[str, Any]) -> str:
    """What a dead letter's event is about."""
    if "Records" in payload:
        return str(payload["Records"][0]["Sns"]["MessageId"])
    return str(payload.get("id", "account"))


def _environment(plan: Plan) -> dict[str, str]:
    """The settings that tests have, with those that a plan varies."""
    return (
        ENVIRONMENT
        | SETTINGS
        | {
            "ALERT_TOPIC_ARN": f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:alerts",
            "CHECK_QUEUE_URL": CHECKS,
            "DEAD_LETTER_QUEUE_URL": DEAD_LETTERS,
            "FINDINGS_TABLE": FINDINGS,
            "GRACE_PERIOD_SECONDS": str(plan.grace_seconds),
            "REMINDER_HOURS": str(plan.reminder_hours),
            "ESCALATE_HOURS": str(plan.escalate_hours),
            "FLAPPING_EPISODES": "4",
            "DIGEST_ABOVE": str(plan.digest_above),
        }
    )
