"""Whatever a channel is: a message that was not brought to its receiver comes again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.channels.interface import NotTakenError, Relayed, from_queue, from_topic
from chalicelib.channels.received import Alarm, MalformedMessageError, Received, received
from chalicelib.messages.body import body_of
from tests.unit.examples import EXAMPLES
from tests.unit.sns_events import alarm_event, sns_event


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


OPENED = body_of(EXAMPLES["opened"])


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
        {"Records": [{"Sns": {"Message": json.dumps(OPENED | {"schema": "straywatch.alert/2"})}}]},
    ],
)
def test_what_cannot_be_read_is_refused(event: dict[str, Any]) -> None:
    """It fails, so that Lambda dead-letters it; it is never passed over."""
    with pytest.raises(MalformedMessageError):
        from_topic(Choosy(refuses=""), event)


def test_a_message_has_its_subject_if_it_came_with_one() -> None:
    """Mail programs show it; a message that somebody publishes by hand may have none."""
    event = sns_event(EXAMPLES["opened"], EXAMPLES["opened"])
    del event["Records"][1]["Sns"]["Subject"]
    first, second = received(event)
    assert isinstance(first, Received)
    assert isinstance(second, Received)
    assert first.subject.startswith("[HIGH] frank in no group")
    assert second.subject == ""


def test_an_alarm_that_nobody_described_says_nothing() -> None:
    """CloudWatch writes null for what an alarm lacks."""
    (alarm,) = received(alarm_event(AlarmDescription=None, NewStateReason=None))
    assert isinstance(alarm, Alarm)
    assert (alarm.description, alarm.reason) == ("", "")


class Forgetful:
    """A channel that does not say what became of each message."""

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Say it of one less."""
        return [Relayed.SENT for _ in messages][1:]


def test_a_message_whose_fate_is_not_told_is_not_taken_for_sent() -> None:
    """All of them come again."""
    with pytest.raises(ValueError, match="shorter"):
        from_queue(Forgetful(), batch(json.dumps(OPENED)))
