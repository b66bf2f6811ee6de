"""SQS's standard queues: delay, visibility timeout, duplicates, and a dead-letter queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.clients import Call, refusal
from tests.simulation.draws import Draws
from tests.simulation.kernel import SECOND, Kernel, SimulationError

VISIBILITY_TIMEOUT = 360 * SECOND
MOST_RECEIVES = 6
_LONGEST_DELAY = 900
_LARGEST_BATCH = 10


@dataclass(slots=True, eq=False)
class Message:
    """One message in a queue."""

    number: int
    body: str
    attributes: Mapping[str, str]
    visible_at: int
    receives: int = 0

    @property
    def message_id(self) -> str:
        """The message's id."""
        return f"message-{self.number}"


@dataclass(slots=True, eq=False)
class Queue:
    """One queue; `on_send` is told when a message is to become visible."""

    kernel: Kernel
    on_send: Callable[[Message], None] = lambda _: None
    on_dead: Callable[[Message], None] = lambda _: None
    messages: dict[str, Message] = field(default_factory=dict)
    _count: int = 0

    def put(self, body: str, delay: int = 0, attributes: Mapping[str, str] | None = None) -> None:
        """Add a message, to be visible after `delay` milliseconds."""
        self._count += 1
        message = Message(self._count, body, attributes or {}, self.kernel.now + delay)
        self.messages[message.message_id] = message
        self.on_send(message)

    def receive(self, luck: Draws) -> list[Message]:
        """Up to ten visible messages, in no promised order; they are hidden for a while."""
        now = self.kernel.now
        visible = [m for m in self.messages.values() if m.visible_at <= now]
        if luck.chance(0.5):
            visible.reverse()
        taken = []
        for message in visible[:_LARGEST_BATCH]:
            message.receives += 1
            message.visible_at = now + VISIBILITY_TIMEOUT
            if message.receives > MOST_RECEIVES:
                del self.messages[message.message_id]
                self.on_dead(message)
            else:
                taken.append(message)
        return taken

    def delete(self, message: Message) -> None:
        """The message has been dealt with."""
        self.messages.pop(message.message_id, None)


class SimulatedSqs:
    """The API the product sends by."""

    def __init__(self, queues: Mapping[str, Queue]) -> None:
        self._queues = queues

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Send a message, as SQS checks it."""
        if operation != "send_message":
            raise SimulationError(f"SQS's {operation} is not simulated")
        delay = request.get("DelaySeconds", 0)
        if not isinstance(delay, int) or not 0 <= delay <= _LONGEST_DELAY:
            raise refusal("InvalidParameterValue", operation)
        attributes = {
            name: value["StringValue"]
            for name, value in request.get("MessageAttributes", {}).items()
        }
        queue = self._queues[request["QueueUrl"]]
        queue.put(request["MessageBody"], delay * SECOND, attributes)
        return {"MessageId": f"by-{call.invocation.number}"}
