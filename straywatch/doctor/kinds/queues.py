"""SQS: what a queue keeps, for how long, who may use it, and who takes from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import MAPPED_BY, POLICY, Intended
from straywatch.doctor.kinds.interface import UNSAID, Call, Kind, Look, Property
from straywatch.doctor.reading import looked
from straywatch.doctor.world import ApiResponse, Ask

_TAKEN = "TakenBy"
_STOPPED = ("Disabled", "Disabling")
_LOOKS = {
    "queue": Look("sqs", "get_queue_attributes", {"QueueUrl": "{id}", "AttributeNames": ["All"]}),
    "mappings": Look("lambda", "list_event_source_mappings", {"EventSourceArn": "{arn}"}),
}
_EMPTY = {
    "DelaySeconds": "0",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "VisibilityTimeout": "30",
}


def _put_queue(queue: Intended, names: frozenset[str], seen: Mapping[str, Any]) -> Iterator[Call]:
    attributes = {
        name: queue.properties.get(name, _EMPTY.get(name, "")) for name in sorted(names - {_TAKEN})
    }
    if attributes:
        told = {"QueueUrl": queue.physical_id, "Attributes": attributes}
        yield Call("sqs", "set_queue_attributes", told)
    # each is somebody's: it is stopped, and stays there for them to look at
    for mapping in seen.get(_TAKEN, []) if _TAKEN in names else ():
        stopped = {"UUID": mapping["UUID"], "Enabled": False}
        yield Call("lambda", "update_event_source_mapping", stopped)


def _read_queue(ask: Ask, queue: Intended) -> ApiResponse:
    """The queue, and the mappings that take from it beside the stack's own."""
    answers = looked(ask, _LOOKS, queue)
    if not isinstance(answers, Mapping):
        return answers
    mappings = answers["mappings"]
    if not isinstance(mappings, Mapping):
        return {**answers, _TAKEN: mappings}
    own, every = queue.properties.get(MAPPED_BY, []), mappings.get("EventSourceMappings", [])
    others = [each for each in every if each["UUID"] not in own and each["State"] not in _STOPPED]
    return {"queue": answers["queue"], _TAKEN: others}


def _create_queue(_ask: Ask, queue: Intended) -> Iterator[Call]:
    yield Call("sqs", "create_queue", {"QueueName": queue.physical_id.rsplit("/", 1)[-1]})


QUEUE = Kind(
    word="queue",
    area="remember",
    read=_read_queue,
    properties={
        "DelaySeconds": Property("queue.Attributes.DelaySeconds", 0),
        "KmsMasterKeyId": Property("queue.Attributes.KmsMasterKeyId", "", form=forms.key),
        # new queues take 1 MiB, older ones 256 KiB
        "MaximumMessageSize": Property("queue.Attributes.MaximumMessageSize", (262144, 1048576)),
        "MessageRetentionPeriod": Property("queue.Attributes.MessageRetentionPeriod", 345600),
        POLICY: Property("queue.Attributes.Policy", {}, form=forms.policy, may_grow=True),
        "ReceiveMessageWaitTimeSeconds": Property(
            "queue.Attributes.ReceiveMessageWaitTimeSeconds", 0, minor=True
        ),
        "RedriveAllowPolicy": Property("queue.Attributes.RedriveAllowPolicy", {}, form=forms.read),
        "RedrivePolicy": Property("queue.Attributes.RedrivePolicy", {}, form=forms.read),
        "SqsManagedSseEnabled": Property(
            "queue.Attributes.SqsManagedSseEnabled", UNSAID, minor=True
        ),
        _TAKEN: Property(f"{_TAKEN}[].FunctionArn", [], form=forms.functions),
        "VisibilityTimeout": Property("queue.Attributes.VisibilityTimeout", 30),
    },
    put=_put_queue,
    creates=_create_queue,
    lost=", with the work that waited in it",
)
