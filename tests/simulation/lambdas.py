"""Lambda: warm containers, time limits, retries of asynchronous calls, the poller of a queue."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from greenlet import getcurrent, greenlet

from tests.simulation.clients import Gateway
from tests.simulation.draws import Draws
from tests.simulation.iam import ACCOUNT_ID
from tests.simulation.journal import Invocation, Journal, Trouble
from tests.simulation.kernel import MINUTE, SECOND, Kernel, instant
from tests.simulation.plan import Plan
from tests.simulation.product import Product
from tests.simulation.receivers import poster
from tests.simulation.sqs import VISIBILITY_TIMEOUT, Message, Queue
from tests.simulation.weather import Killed

_TIME_LIMIT = 60 * SECOND
_TIME_LIMIT_OF_SWEEP = 900 * SECOND
_TIME_KEPT_BY_SWEEP = 45 * SECOND
"""What the product's sweep keeps of its time: one that has little more than that is in a hurry."""
_CONTAINER_KEPT = 10 * MINUTE
_RETRY_AFTER = (MINUTE, 2 * MINUTE)
_MOST_POLLERS = 5
_MOST_REPEATS = 40
"""SQS repeats hardly any message; a share of all in a long outage would breed without end."""


@dataclass(slots=True, eq=False)
class Container:
    """One warm function: its deployment's caches outlive an invocation."""

    deployment: Any
    of: int
    """Which deployment it belongs to."""
    used_at: int = 0


@dataclass(slots=True, eq=False)
class Run:
    """An invocation in progress."""

    kernel: Kernel
    invocation: Invocation
    container: Container
    deadline: int

    def wait(self, length: int) -> None:
        """Let time pass, or be killed at the time limit."""
        left = self.deadline - self.kernel.now
        self.kernel.sleep(max(0, min(length, left)))
        if length >= left:
            raise Killed

    def get_remaining_time_in_millis(self) -> int:
        """What Lambda's context tells the function."""
        return self.deadline - self.kernel.now

    @property
    def invoked_function_arn(self) -> str:
        """Which function it is, in whose account."""
        return _arn(self.invocation.function)


@dataclass(slots=True, eq=False)
class Lambda:
    """Runs the product's functions."""

    kernel: Kernel
    journal: Journal
    product: Product
    plan: Plan
    gateway: Gateway
    environment: Mapping[str, str]
    _free: dict[str, list[Container]] = field(default_factory=dict)
    _running: dict[greenlet, Run] = field(default_factory=dict)
    _deployments: int = 0

    def __post_init__(self) -> None:
        """Lead the entry points to the container whose invocation runs."""
        self.product.bind(lambda: self.current().container.deployment)

    def deploy(self, environment: Mapping[str, str]) -> None:
        """Have every invocation from now on run in a new container, with these settings."""
        self.environment = environment
        self._deployments += 1
        self._free.clear()

    def current(self) -> Run:
        """The invocation whose turn it is."""
        return self._running[getcurrent()]

    def invoke(
        self, function: str, event: object, about: str, then: Callable[[Invocation, Any], None]
    ) -> None:
        """Run the function in a container of its own, and hand its result over."""
        number = len(self.journal.invocations) + 1
        invocation = Invocation(number, function, about, self.kernel.now)
        self.journal.invocations.append(invocation)
        self.journal.say(self.kernel.now, f"  #{number} {function}({about})")
        self.kernel.start(lambda: self._run(invocation, event, then))

    def _run(
        self, invocation: Invocation, event: object, then: Callable[[Invocation, Any], None]
    ) -> None:
        container = self._container(invocation.function)
        deadline = self.kernel.now + self._time_limit(invocation)
        run = Run(self.kernel, invocation, container, deadline)
        self._running[getcurrent()] = run
        answer = None
        try:
            answer = self.product.handler(invocation.function)(event, run)
            invocation.result = "done"
        except Killed:
            invocation.result = "killed"
            self._note(invocation)
        except Exception as error:  # noqa: BLE001 - as Lambda: whatever it is, the call has failed
            invocation.result = f"{type(error).__name__}: {error}"
        del self._running[getcurrent()]
        self._end(invocation, container)
        then(invocation, answer)

    def _time_limit(self, invocation: Invocation) -> int:
        if invocation.function != "sweep":
            return _TIME_LIMIT
        luck = Draws(self.plan.luck, "time limit", self.kernel.now)
        if self.kernel.now < self.plan.calm_at and luck.chance(self.plan.hurried_sweeps):
            self.journal.faults["sweep in a hurry"] += 1
            invocation.hurried = True
            return _TIME_KEPT_BY_SWEEP + luck.between(100, 1500)
        return _TIME_LIMIT_OF_SWEEP

    def _container(self, function: str) -> Container:
        free = self._free.setdefault(function, [])
        while free:
            container = free.pop()
            if container.used_at + _CONTAINER_KEPT > self.kernel.now:
                return container
        return Container(
            self.product.deployment(
                environment=dict(self.environment),
                make_client=lambda service, _: self.gateway.client(service, self.current),
                clock=self._clock,
                post=poster(self.gateway, self.current),
                sleep=lambda seconds: self.current().wait(round(seconds * SECOND)),
            ),
            self._deployments,
        )

    def _clock(self) -> datetime:
        """The time, never quite the same for two invocations: no two machines' clocks agree."""
        number = self.current().invocation.number
        return instant(self.kernel.now) + timedelta(microseconds=number % 1000)

    def _note(self, invocation: Invocation) -> None:
        trouble = Trouble(self.kernel.now, invocation, invocation.function, "killed")
        self.journal.troubles.append(trouble)

    def _end(self, invocation: Invocation, container: Container) -> None:
        invocation.ended = self.kernel.now
        self.journal.say(self.kernel.now, f"  #{invocation.number} ended: {invocation.result}")
        if invocation.result != "killed" and container.of == self._deployments:
            container.used_at = self.kernel.now
            self._free.setdefault(invocation.function, []).append(container)


@dataclass(slots=True, eq=False)
class AsyncCalls:
    """Asynchronous invocations: two retries, then the on-failure destination."""

    functions: Lambda
    dead_letters: Queue

    def call(self, function: str, event: object, about: str, attempt: int = 0) -> None:
        """Invoke, and again a minute or two later if that fails."""

        def then(invocation: Invocation, _: object) -> None:
            kernel = self.functions.kernel
            if invocation.done:
                self.functions.journal.taken.setdefault(about, kernel.now)
            elif attempt < len(_RETRY_AFTER):
                wait = _RETRY_AFTER[attempt]
                kernel.at(kernel.now + wait, lambda: self.call(function, event, about, attempt + 1))
            else:
                self._give_up(function, event, about)

        self.functions.invoke(function, event, about, then)

    def _give_up(self, function: str, event: object, about: str) -> None:
        record = {
            "version": "1.0",
            "requestContext": {
                "functionArn": f"{_arn(function)}:$LATEST",
                "condition": "RetriesExhausted",
            },
            "requestPayload": event,
        }
        journal = self.functions.journal
        journal.dead_lettered.append((self.functions.kernel.now, about))
        journal.say(self.functions.kernel.now, f"  {function}({about}) is dead-lettered")
        self.dead_letters.put(json.dumps(record))


@dataclass(slots=True, eq=False)
class Poller:
    """Lambda's event source for a queue: partial batch responses, five at a time."""

    functions: Lambda
    queue: Queue
    luck: int
    duplicate_rate: float
    function: str = "check_membership"
    _busy: int = 0
    _repeats_left: int = _MOST_REPEATS

    def watch(self, message: Message) -> None:
        """Look into the queue soon after the message becomes visible."""
        luck = Draws(self.luck, self.function, message.number, message.receives, message.visible_at)
        kernel = self.functions.kernel
        kernel.at(message.visible_at + luck.between(0, 800), self._poll)

    def _poll(self) -> None:
        if self._busy >= _MOST_POLLERS:
            self.functions.kernel.at(self.functions.kernel.now + SECOND, self._poll)
            return
        luck = Draws(self.luck, "batch", self.functions.kernel.now)
        messages = self.queue.receive(luck)
        if not messages:
            return
        for message in messages:
            self._come_again(message, luck)
        self._busy += 1
        about = ", ".join(_about(m) for m in messages)
        event = {"Records": [_record(m) for m in messages]}
        self.functions.invoke(
            self.function, event, about, lambda i, answer: self._over(i, answer, messages)
        )

    def _come_again(self, message: Message, luck: Draws) -> None:
        """Watch for the end of the visibility timeout; now and then deliver it twice."""
        kernel = self.functions.kernel
        kernel.at(kernel.now + VISIBILITY_TIMEOUT + SECOND, self._poll)
        if self._repeats_left and luck.chance(self.duplicate_rate):
            self._repeats_left -= 1
            body = message.body
            later = kernel.now + luck.between(0, 10 * SECOND)
            kernel.at(later, lambda: self.queue.put(body))
            self.functions.journal.faults["message delivered twice"] += 1

    def _over(self, invocation: Invocation, answer: Any, messages: list[Message]) -> None:
        self._busy -= 1
        if not invocation.done:
            return
        failed = {item["itemIdentifier"] for item in answer["batchItemFailures"]}
        for message in messages:
            if message.message_id not in failed:
                self.queue.delete(message)


def _arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:{ACCOUNT_ID}:function:{function}"


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.message_id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:check-queue",
        "awsRegion": "us-east-1",
    }


def _about(message: Message) -> str:
    try:
        content = json.loads(message.body)
        return f"{content['user_name']}/{content['origin']}"
    except (ValueError, KeyError, TypeError):
        return message.body[:20]
