"""The simulated account: plays a plan against the product, and tells all that was seen."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from chalicelib.domain.events import LOST_EVENTS
from tests.simulation.clients import Call, Gateway, Service
from tests.simulation.dynamodb import SimulatedDynamoDB
from tests.simulation.expressions import Item
from tests.simulation.iam import ACCOUNT_ID, SimulatedIam
from tests.simulation.journal import Event, Journal, Published
from tests.simulation.kernel import DAY, MINUTE, SECOND, Kernel
from tests.simulation.lambdas import AsyncCalls, Lambda, Poller
from tests.simulation.plan import Act, Do, Plan
from tests.simulation.product import Product
from tests.simulation.records import EVENT_NAMES, envelope, told_at
from tests.simulation.sns import SimulatedSns
from tests.simulation.sqs import Message, Queue, SimulatedSqs
from tests.simulation.ssm import SimulatedSsm
from tests.simulation.truth import Truth
from tests.simulation.weather import Weather
from tests.unit.environment import ENVIRONMENT

CHECKS, DEAD_LETTERS, FINDINGS = "check-queue", "dead-letter-queue", "findings"
_SETTLING = 20 * MINUTE
"""Longer than what failed last may take to be tried again, or to be dead-lettered."""


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
        services: dict[str, Service] = {
            "iam": SimulatedIam(self.kernel, self.truth, self.journal, plan.iam_lag),
            "dynamodb": SimulatedDynamoDB(self.kernel, plan.luck % 3 * DAY, self._stored),
            "sqs": SimulatedSqs({CHECKS: self.checks, DEAD_LETTERS: self.dead_letters}),
            "sns": SimulatedSns(self._delivered),
            "ssm": SimulatedSsm(self.kernel, self.truth),
        }
        gateway = Gateway(self.kernel, self.journal, self.weather, services)
        self.functions = Lambda(
            self.kernel, self.journal, product, plan, gateway, _environment(plan)
        )
        self.events = AsyncCalls(self.functions, self.dead_letters)
        self.poller = Poller(self.functions, self.checks, plan.luck, plan.duplicate_rate)
        self.checks.on_send = self.poller.watch
        self.dead_letters.on_send = self._aside

    def play(self) -> None:
        """Play the whole plan, then let all settle."""
        with redirect_stdout(_Log(self.kernel, self.journal)):
            for number, act in enumerate(self.plan.acts):
                self.kernel.at(act.at, lambda a=act, n=number: self._act(a, n))  # type: ignore[misc]  # defaults bind the loop's values
            end = self._schedule()
            self.kernel.run(end)
        self.journal.ended_at = end
        for name, queue in ((CHECKS, self.checks), (DEAD_LETTERS, self.dead_letters)):
            self.journal.left_over += [f"{name}: {m.body}" for m in queue.messages.values()]

    def _schedule(self) -> int:
        """Sweeps and redrives: as planned, then until nothing can be left to do."""
        plan, grace = self.plan, self.plan.grace_seconds * SECOND
        sweeps = [*range(plan.sweep_every, plan.calm_at, plan.sweep_every), *plan.extra_sweeps]
        redrives = [*plan.redrives, plan.calm_at + _SETTLING]
        at = plan.calm_at + _SETTLING + 5 * MINUTE
        for _ in range(2):
            sweeps += [at, at + grace + 5 * MINUTE]
            at += grace + 10 * MINUTE
        for when in sweeps:
            self.kernel.at(when, lambda: self.events.call("sweep", {}, "account"))
        for when in redrives:
            self.kernel.at(when, self.redrive)
        return at

    def _act(self, act: Act, number: int) -> None:
        now = self.kernel.now
        before = self.truth.named(act.name, now) if act.name else None
        user = self.truth.apply(act, now)
        until = "" if act.until is None else f" until {act.until / SECOND:.3f}"
        told = f"{act.do} {act.name} {act.other}{until}"
        if act.do in EVENT_NAMES and user is None:
            self.journal.say(now, f"{told} (cannot be done)")
            return
        how = ", ".join(f"+{d / SECOND:.1f} s" for d in act.deliveries) or "lost"
        event = f" [{user.user_id}; event-{number} {how}]" if act.do in EVENT_NAMES and user else ""
        self.journal.say(now, f"{told}{event}")
        if event and user:
            groups = bool(before and before.groups)
            self._tell(act, number, user.user_id, in_groups=groups)

    def _tell(self, act: Act, number: int, user_id: str, *, in_groups: bool) -> None:
        """Record the event, and deliver it as planned."""
        now, name, event_id = self.kernel.now, EVENT_NAMES[act.do], f"event-{number}"
        group = act.other if act.do is not Do.RENAME else ""
        self.journal.events.append(
            Event(event_id, now, told_at(now), name, user_id, act.name, group, in_groups)
        )
        user = self.truth.user(user_id, now - 1) or self.truth.user(user_id, now)
        function = "on_membership_lost" if name in LOST_EVENTS else "on_membership_settled"
        if user is None:
            raise AssertionError(act)
        body = envelope(act, user, event_id, now)
        for delay in act.deliveries:
            self.kernel.at(now + delay, lambda: self.events.call(function, body, event_id))
        kind = {0: "event lost", 1: ""}.get(len(act.deliveries), "event repeated")
        if kind:
            self.journal.faults[kind] += 1
        if any(delay > MINUTE for delay in act.deliveries):
            self.journal.faults["event late by more than a minute"] += 1

    def redrive(self) -> None:
        """Run again all that lies in the dead-letter queue."""
        self.journal.redriven.append(self.kernel.now)
        for message in list(self.dead_letters.messages.values()):
            self.dead_letters.delete(message)
            content = json.loads(message.body)
            if "requestPayload" in content:
                function = content["requestContext"]["functionArn"].split(":")[6]
                payload = content["requestPayload"]
                self.events.call(function, payload, payload.get("id", "account"))
            else:
                self.checks.put(message.body)

    def _dead(self, message: Message) -> None:
        self.dead_letters.put(message.body)

    def _aside(self, message: Message) -> None:
        about = message.body[:120]
        self.journal.dead_lettered.append((self.kernel.now, about))
        self.journal.say(self.kernel.now, f"  dead-lettered: {about} {dict(message.attributes)}")

    def _delivered(self, body: Mapping[str, Any], call: Call) -> None:
        now = self.kernel.now
        self.journal.published.append(Published(now, call.invocation, body))
        finding = body["finding"] or {}
        self.journal.say(now, f"    >>> {body['type']} {finding.get('id', body.get('notice'))}")

    def _stored(self, table: str, item: Item, call: Call) -> None:
        if table == FINDINGS and "finding_id" in item:
            finding_id = item["finding_id"]["S"]
            self.journal.recorded.setdefault(finding_id, (self.kernel.now, call.invocation))


def _environment(plan: Plan) -> dict[str, str]:
    """The settings that tests have, with those that a plan varies."""
    return ENVIRONMENT | {
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
