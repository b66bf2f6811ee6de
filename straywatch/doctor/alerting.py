"""Speak: whether somebody hears what is published, and hears of the monitor's own woes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.text import counted
from straywatch.deploy.stack_resources import Resource
from straywatch.doctor.lines import Line, failed, passed, unread, warned
from straywatch.doctor.policies import allows_account, allows_service
from straywatch.doctor.world import Unread, World
from straywatch.text import visible

_AGAIN = "straywatch destroy, then straywatch deploy"
_ALARMS = "cloudwatch.amazonaws.com"
_RULES = "events.amazonaws.com"
_PUBLISHERS = {
    "AlertTopic": ("alarms", _ALARMS),
    "HealthTopic": ("alarms", _ALARMS),
    "TamperTopic": ("rules", _RULES),
}
"""Who of AWS must be able to publish to a topic, in words and by its principal."""


def speaking(world: World) -> Iterator[Line]:
    """Judge topics, the key behind them, and alarms."""
    for topic in world.of_type("AWS::SNS::Topic"):
        yield from _topic(world, topic)
    yield from _key(world)
    yield from _alarms(world)


def _topic(world: World, topic: Resource) -> Iterator[Line]:
    check, arn = f"topic {topic.logical_id}", topic.physical_id
    answer = world.ask("sns", "get_topic_attributes", TopicArn=arn)
    if isinstance(answer, Unread):
        yield unread(check, answer.why)
        return
    if not isinstance(answer, Mapping):
        yield failed(check, f"{arn} was deleted: nothing can be said", _AGAIN)
        return
    attributes = answer.get("Attributes", {})
    if topic.logical_id != "TamperTopic":  # that one is to be heard when the key is gone
        yield _encryption(world, check, arn, attributes)
    if topic.logical_id in _PUBLISHERS:
        yield _policy(check, attributes, *_PUBLISHERS[topic.logical_id])
    yield _subscriptions(world, check, arn, vital=topic.logical_id == "AlertTopic")


def _encryption(world: World, check: str, arn: str, attributes: Mapping[str, Any]) -> Line:
    check = f"{check}: key"
    used, own = str(attributes.get("KmsMasterKeyId", "")), _key_id(world)
    if own and own in used:
        return passed(check, "encrypted with the deployment's own key")
    mend = (
        f"aws sns set-topic-attributes --topic-arn {arn} "
        f"--attribute-name KmsMasterKeyId --attribute-value {own or 'KEY-ID'}"
    )
    if used:
        seen = f"encrypted with {visible(used)}: alarms and functions may not be able to use it"
        return failed(check, seen, mend)
    return warned(check, "not encrypted", mend)


def _policy(check: str, attributes: Mapping[str, Any], who: str, principal: str) -> Line:
    check = f"{check}: policy"
    if allows_service(str(attributes.get("Policy", "")), principal, "sns:Publish", ""):
        return passed(check, f"{who} may publish")
    seen = f"{who} may not publish: the monitor fails in silence"
    return failed(check, seen, f"restore the topic's policy: {_AGAIN}")


def _subscriptions(world: World, check: str, arn: str, *, vital: bool) -> Line:
    check = f"{check}: subscriptions"
    subscriptions: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = world.ask("sns", "list_subscriptions_by_topic", TopicArn=arn, **more)
        if not isinstance(answer, Mapping):
            return unread(check, answer.why if isinstance(answer, Unread) else f"{arn} is gone")
        subscriptions += answer.get("Subscriptions", [])
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    pending = [s for s in subscriptions if not str(s.get("SubscriptionArn")).startswith("arn:")]
    confirmed = len(subscriptions) - len(pending)
    waiting = ", ".join(visible(f"{s.get('Protocol')} {s.get('Endpoint')}") for s in pending)
    subscribe = (
        f"aws sns subscribe --topic-arn {arn} --protocol email "
        "--notification-endpoint you@example.com"
    )
    bad = failed if vital else warned  # alarms go to the topic of alerts, too
    if not confirmed and pending:
        mend = f"open the mail that AWS has sent and confirm; a new one: {subscribe}"
        return bad(check, f"nobody hears: unconfirmed {waiting}", mend)
    if not confirmed:
        return bad(check, "nobody is subscribed: what it says goes nowhere", subscribe)
    if pending:
        mend = f"open the mail that AWS has sent and confirm; a new one: {subscribe}"
        return warned(check, f"{confirmed} confirmed; unconfirmed {waiting}", mend)
    return passed(check, f"{counted(confirmed, 'subscription')}, all confirmed")


def _key_id(world: World) -> str:
    """The stack's own key, or the one that it was given."""
    return world.physical_id("AlertKey") or world.stack.outputs.get("AlertKeyId", "")


def _key(world: World) -> Iterator[Line]:
    check, key = "key", _key_id(world)
    if not key:
        yield failed(check, "the stack has none", "straywatch deploy")
        return
    answer = world.ask("kms", "describe_key", KeyId=key)
    if not isinstance(answer, Mapping):
        gone = failed(check, f"{key} was deleted: nothing can be published", _AGAIN)
        yield unread(check, answer.why) if isinstance(answer, Unread) else gone
        return
    yield _key_state(check, key, answer.get("KeyMetadata", {}))
    policy = world.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
    if not isinstance(policy, Mapping):
        yield unread(f"{check}: policy", policy.why if isinstance(policy, Unread) else "no policy")
        return
    yield _key_policy(world, f"{check}: policy", key, str(policy.get("Policy", "")))


def _key_state(check: str, key: str, metadata: Mapping[str, Any]) -> Line:
    state = str(metadata.get("KeyState"))
    if state == "Enabled":
        return passed(check, "enabled")
    enable = f"aws kms enable-key --key-id {key}"
    if state == "PendingDeletion":
        enable = f"aws kms cancel-key-deletion --key-id {key} && {enable}"
    return failed(check, f"is {state}: nothing can be published", enable)


def _key_policy(world: World, check: str, key: str, policy: str) -> Line:
    account = world.account
    root = f"arn:{account.partition}:iam::{account.account_id}:root"
    missing = [
        f"{who} may not use it"
        for who, principal in (("alarms", _ALARMS), ("rules on tampering", _RULES))
        if not all(
            allows_service(policy, principal, action, "")
            for action in ("kms:Decrypt", "kms:GenerateDataKey")
        )
    ]
    if not allows_account(policy, root, "kms:GenerateDataKey"):
        missing.append("the functions' own policies do not count")
    if not missing:
        return passed(check, "alarms and the account's functions may use it")
    mend = f"restore the policy of key {key} (aws kms put-key-policy), or {_AGAIN}"
    return failed(check, "; ".join(missing), mend)


def _alarms(world: World) -> Iterator[Line]:
    alarms = list(world.of_type("AWS::CloudWatch::Alarm"))
    if not alarms:
        yield failed("alarms", "the stack has none", "straywatch deploy")
        return
    names = [alarm.physical_id for alarm in alarms]
    answer = world.ask("cloudwatch", "describe_alarms", AlarmNames=names)
    if not isinstance(answer, Mapping):
        yield unread("alarms", answer.why if isinstance(answer, Unread) else "none is there")
        return
    found = {alarm["AlarmName"]: alarm for alarm in answer.get("MetricAlarms", [])}
    for alarm in alarms:
        told = found.get(alarm.physical_id)
        yield _alarm(f"alarm {alarm.logical_id}", alarm.physical_id, told)


def _alarm(check: str, name: str, told: Mapping[str, Any] | None) -> Line:
    if told is None:
        return failed(check, f"{name} was deleted", _AGAIN)
    if not told.get("ActionsEnabled", True):
        mend = f"aws cloudwatch enable-alarm-actions --alarm-names {shlex.quote(name)}"
        return failed(check, "its actions are switched off", mend)
    if not told.get("AlarmActions"):
        return failed(check, "tells nobody", _AGAIN)
    if told.get("StateValue") == "ALARM":
        mend = "mend what it is about; it ends by itself"
        return warned(check, f"rings: {visible(str(told.get('StateReason', '')))[:160]}", mend)
    return passed(check, f"{str(told.get('StateValue', 'OK')).lower().replace('_', ' ')}")
