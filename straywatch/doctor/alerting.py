"""Speak: whether somebody hears what is published, and hears of the monitor's own woes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.text import counted
from straywatch.deploy.stack_resources import Resource
from straywatch.doctor.drift import drifting
from straywatch.doctor.given_key import given_key
from straywatch.doctor.lines import Line, failed, passed, unread, warned
from straywatch.doctor.world import Gone, Unread, World
from straywatch.text import visible

_ATTACH = "attach the topic to a channel in Amazon Q in chat applications"


def speaking(world: World) -> Iterator[Line]:
    """Judge topics, the key behind them, and alarms."""
    yield from drifting(world, "speak")
    yield from given_key(world)
    for topic in world.of_type("AWS::SNS::Topic"):
        yield _subscribers(world, topic)
    yield from _ringing(world)
    yield from _secrets(world)


def _subscribers(world: World, topic: Resource) -> Line:
    check, arn = f"subscribers of {topic.logical_id}", topic.physical_id
    found = _subscriptions(world, arn)
    if isinstance(found, Unread):
        return unread(check, found.why)
    pending = [each for each in found if not _confirmed(each)]
    confirmed = len(found) - len(pending)
    # alarms go to the topic of alerts, too
    bad = failed if topic.logical_id == "AlertTopic" else warned
    if pending:
        waiting = ", ".join(visible(f"{s.get('Protocol')} {s.get('Endpoint')}") for s in pending)
        seen = f"{confirmed} confirmed; unconfirmed {waiting}"
        return (warned if confirmed else bad)(
            check, seen, _again(world, pending[0]), advice="open what AWS has sent, and confirm"
        )
    if not confirmed:
        advice = _ATTACH if topic.logical_id == "ChatTopic" else _subscribe(world, arn)
        return bad(check, "nobody is subscribed: what it says goes nowhere", advice=advice)
    return passed(check, f"{counted(confirmed, 'subscription')}, all confirmed")


def _subscriptions(world: World, arn: str) -> list[Mapping[str, Any]] | Unread:
    found: list[Mapping[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        answer = world.ask("sns", "list_subscriptions_by_topic", TopicArn=arn, **more)
        if not isinstance(answer, Mapping):
            return answer if isinstance(answer, Unread) else Unread(f"{arn} is gone")
        found += answer.get("Subscriptions", [])
        if not answer.get("NextToken"):
            return found
        more = {"NextToken": answer["NextToken"]}


def _confirmed(subscription: Mapping[str, Any]) -> bool:
    return str(subscription.get("SubscriptionArn")).startswith("arn:")


def _again(world: World, subscription: Mapping[str, Any]) -> str:
    """Have AWS send the request to confirm once more."""
    told = {name: str(subscription.get(name, "")) for name in ("TopicArn", "Protocol", "Endpoint")}
    return world.invocation.aws(
        "sns subscribe",
        *("--topic-arn", told["TopicArn"], "--protocol", told["Protocol"]),
        *("--notification-endpoint", told["Endpoint"]),
    )


def _subscribe(world: World, arn: str) -> str:
    deploy = world.invocation.straywatch("deploy", "--email", "ADDRESS")
    return f"subscribe somebody, to {arn}, or by mail: {deploy}"


def _ringing(world: World) -> Iterator[Line]:
    alarms = list(world.of_type("AWS::CloudWatch::Alarm"))
    names = [alarm.physical_id for alarm in alarms]
    answer = world.ask("cloudwatch", "describe_alarms", AlarmNames=names)
    if not isinstance(answer, Mapping):
        yield unread("alarms", answer.why if isinstance(answer, Unread) else "none is there")
        return
    by_name = {alarm["AlarmName"]: alarm for alarm in answer.get("MetricAlarms", [])}
    for alarm in alarms:
        if told := by_name.get(alarm.physical_id):
            yield _alarm(f"alarm {alarm.logical_id}: state", told)


def _alarm(check: str, told: Mapping[str, Any]) -> Line:
    state = str(told.get("StateValue", "OK"))
    if state == "ALARM":
        seen = f"rings: {visible(str(told.get('StateReason', '')))[:160]}"
        return warned(check, seen, advice="fix what it is about; it ends by itself")
    return passed(check, state.lower().replace("_", " "))


def _secrets(world: World) -> Iterator[Line]:
    """The secrets that a function's environment names."""
    named = {
        value
        for each in world.intended
        if each.resource_type == "AWS::Lambda::Function"
        for value in each.properties.get("Environment", {}).get("Variables", {}).values()
        if isinstance(value, str) and ":secretsmanager:" in value
    }
    for arn in sorted(named):
        yield _secret(world, arn)


def _secret(world: World, arn: str) -> Line:
    check = f"secret {arn.rsplit(':', 1)[-1]}"
    answer = world.ask("secretsmanager", "describe_secret", SecretId=arn)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if isinstance(answer, Gone):
        advice = "make a new one, and deploy with its ARN as the parameter that names it"
        return failed(check, "was deleted: its channel is mute", advice=advice)
    if answer.get("DeletedDate"):
        mend = world.invocation.aws("secretsmanager restore-secret", "--secret-id", arn)
        return failed(check, "is about to be deleted: its channel is mute", mend)
    return passed(check, "is there")
