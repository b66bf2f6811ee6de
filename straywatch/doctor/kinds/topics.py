"""SNS and KMS: the topics, who hears them and of what, and the key behind them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import POLICY, Intended
from straywatch.doctor.kinds.interface import Call, Kind, Look, Property
from straywatch.doctor.world import ApiResponse, Ask, Gone


def _put_topic(topic: Intended, names: frozenset[str], _seen: Mapping[str, Any]) -> Iterator[Call]:
    for name in sorted(names):
        value = topic.properties.get(name, "")
        told = {"TopicArn": topic.physical_id, "AttributeName": name, "AttributeValue": value}
        yield Call("sns", "set_topic_attributes", told)


def _create_topic(_ask: Ask, topic: Intended) -> Iterator[Call]:
    yield Call("sns", "create_topic", {"Name": topic.physical_id.rsplit(":", 1)[-1]})


TOPIC = Kind(
    word="topic",
    area="speak",
    looks={"topic": Look("sns", "get_topic_attributes", {"TopicArn": "{id}"})},
    properties={
        "DisplayName": Property("topic.Attributes.DisplayName", "", minor=True),
        "KmsMasterKeyId": Property("topic.Attributes.KmsMasterKeyId", "", form=forms.key),
        POLICY: Property("topic.Attributes.Policy", {}, form=forms.policy, may_grow=True),
    },
    put=_put_topic,
    creates=_create_topic,
    lost=", with everybody who was subscribed to it",
)

_SCOPE = "FilterPolicyScope"
_OF_SUBSCRIPTION = ("FilterPolicy", _SCOPE, "RawMessageDelivery", "RedrivePolicy")


def _read_subscription(ask: Ask, subscription: Intended) -> ApiResponse:
    """The stack's own subscription, or else one that somebody has made in its place."""
    answer = ask("sns", "get_subscription_attributes", SubscriptionArn=subscription.physical_id)
    if isinstance(answer, Mapping):
        found = {"SubscriptionArn": subscription.physical_id}
        return {"subscription": answer, "found": found}
    if not isinstance(answer, Gone):
        return answer
    return _in_its_place(ask, subscription)


def _in_its_place(ask: Ask, subscription: Intended) -> ApiResponse:
    said = subscription.properties
    more: dict[str, str] = {}
    while True:
        page = ask("sns", "list_subscriptions_by_topic", TopicArn=said["TopicArn"], **more)
        if not isinstance(page, Mapping):
            return page
        for each in page.get("Subscriptions", []):
            same = (each.get("Protocol"), each.get("Endpoint")) == (
                said["Protocol"],
                said["Endpoint"],
            )
            if same and str(each.get("SubscriptionArn")).startswith("arn:"):
                arn = each["SubscriptionArn"]
                answer = ask("sns", "get_subscription_attributes", SubscriptionArn=arn)
                found = {"SubscriptionArn": arn}
                return (
                    {"subscription": answer, "found": found}
                    if isinstance(answer, Mapping)
                    else answer
                )
        if not page.get("NextToken"):
            return Gone()
        more = {"NextToken": page["NextToken"]}


def _put_subscription(
    subscription: Intended, names: frozenset[str], seen: Mapping[str, Any]
) -> Iterator[Call]:
    arn = seen.get("found", {}).get("SubscriptionArn", subscription.physical_id)
    empty = {"FilterPolicy": "{}", "RawMessageDelivery": "false", _SCOPE: "MessageAttributes"}
    # the scope first: a filter is read by the scope in force
    for name in sorted(names, key=lambda each: each != _SCOPE):
        value = subscription.properties.get(name, empty.get(name, "{}"))
        told = {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value}
        yield Call("sns", "set_subscription_attributes", told)


SUBSCRIPTION = Kind(
    word="subscription",
    area="speak",
    read=_read_subscription,
    properties={
        "FilterPolicy": Property("subscription.Attributes.FilterPolicy", {}, form=forms.read),
        _SCOPE: Property(f"subscription.Attributes.{_SCOPE}", ("MessageAttributes", None)),
        "RawMessageDelivery": Property("subscription.Attributes.RawMessageDelivery", (False, None)),
        "RedrivePolicy": Property("subscription.Attributes.RedrivePolicy", {}, form=forms.read),
    },
    put=_put_subscription,
    creates=None,
    by_stack=True,
    lost=": what was sent to it goes nowhere",
)


def _put_key(key: Intended, names: frozenset[str], seen: Mapping[str, Any]) -> Iterator[Call]:
    by_id = {"KeyId": key.physical_id}
    if "KeyState" in names:
        metadata = seen.get("key", {}).get("KeyMetadata", {})
        if metadata.get("KeyState") == "PendingDeletion":
            yield Call("kms", "cancel_key_deletion", by_id)
        yield Call("kms", "enable_key", by_id)
    if "KeyPolicy" in names:
        told = {"PolicyName": "default", "Policy": key.properties["KeyPolicy"]}
        yield Call("kms", "put_key_policy", by_id | told)
    if "EnableKeyRotation" in names:
        wanted = key.properties.get("EnableKeyRotation")
        yield Call("kms", f"{'enable' if wanted else 'disable'}_key_rotation", by_id)


KEY = Kind(
    word="key",
    area="speak",
    looks={
        "key": Look("kms", "describe_key", {"KeyId": "{id}"}),
        "policy": Look("kms", "get_key_policy", {"KeyId": "{id}", "PolicyName": "default"}),
        "rotation": Look("kms", "get_key_rotation_status", {"KeyId": "{id}"}),
    },
    properties={
        "EnableKeyRotation": Property("rotation.KeyRotationEnabled", default=False, minor=True),
        "KeyPolicy": Property("policy.Policy", form=forms.policy, may_grow=True),
        "KeyState": Property("key.KeyMetadata.KeyState", "Enabled"),
    },
    put=_put_key,
    creates=None,
    lost=": nothing can be published",
)
