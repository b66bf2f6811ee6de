"""Whatever a channel is: a message that was not brought to its receiver comes again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.channels.interface import NotTakenError, Relayed, from_queue, from_topic
from chalicelib.channels.received import Alarm, MalformedMessageError, Received
from chalicelib.messages.body import body_of
from tests.unit.examples import EXAMPLES
from tests.unit.sns_events import sns_event


@dataclass(frozen=True)
class Choosy:
    """A channel whose receiver refuses messages of one type."""

    refuses: str

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Say what became of each."""
        return [self._relay(message) for message in messages]

    def _relay(self, message: Received | Alarm) -> Relayed:
        refused = isinstance(message, Received) and message.type == self.refuses
        return Relayed.REFUSED if refused else Relayed.SENT


def batch(*bodies: str) -> dict[str, Any]:
    """What a queue hands over."""
    return {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}


def test_what_became_of_each_message_is_told_in_order() -> None:
    """Whoever reads the record of an invocation sees it."""
    event = sns_event(EXAMPLES["opened"], EXAMPLES["digest"])
    assert from_topic(Choosy(refuses="health"), event) == [Relayed.SENT, Relayed.SENT]


def test_a_refused_message_fails_its_invocation() -> None:
    """Lambda repeats it, and at last dead-letters it: an answer would be its end."""
    with pytest.raises(NotTakenError, match="1 of 2"):
        from_topic(Choosy(refuses="opened"), sns_event(EXAMPLES["opened"], EXAMPLES["digest"]))


def test_of_a_batch_only_what_was_refused_comes_again() -> None:
    """So does what cannot be read, which the queue dead-letters in the end."""
    bodies = [json.dumps(body_of(EXAMPLES[name])) for name in ("opened", "digest")]
    answer = from_queue(Choosy(refuses="opened"), batch(*bodies, "no JSON"))
    failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
    assert failed == {"0", "2"}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": [{}]},
        {"Records": [{"Sns": {"Message": "not JSON"}}]},
        {"Records": [{"Sns": {"Message": "[]"}}]},
        {"Records": [{"Sns": {"Message": '{"schema": "straywatch.alert/2"}'}}]},
        {"Records": [{"Sns": {"Message": '{"schema": "straywatch.alert/1"}'}}]},
    ],
)
def test_what_cannot_be_read_is_refused(event: dict[str, Any]) -> None:
    """It fails, so that Lambda dead-letters it; it is never passed over."""
    with pytest.raises(MalformedMessageError):
        from_topic(Choosy(refuses=""), event)
