"""Who is subscribed to a topic, and what becomes of a message for each of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from straywatch.alert_path.filter_policy import UnknownRuleError, stopped_by
from straywatch.errors import explain

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sns.type_defs import SubscriptionTypeDef

_USERINFO = re.compile(r"//[^/@]*@")


class Standing(StrEnum):
    """What becomes of the message at one subscription."""

    GETS_IT = "gets it"
    NOT_CONFIRMED = "not confirmed"
    FILTERED_OUT = "filtered out"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Subscription:
    """One subscription of a topic. `why` explains what is not `GETS_IT`."""

    topic: str
    protocol: str
    endpoint: str
    standing: Standing
    why: str = ""


def subscriptions(
    sns: SNSClient, topic: str, topic_arn: str, attributes: Mapping[str, str], body: str
) -> Iterator[Subscription]:
    """Say for each subscription of a topic what becomes of a message. Raises what boto3 raises."""
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    for page in pages:
        for found in page["Subscriptions"]:
            standing, why = _standing(sns, found, attributes, body)
            yield Subscription(
                topic,
                found["Protocol"],
                _USERINFO.sub("//***@", found["Endpoint"]),
                standing,
                why,
            )


def _standing(
    sns: SNSClient, found: SubscriptionTypeDef, attributes: Mapping[str, str], body: str
) -> tuple[Standing, str]:
    arn = found["SubscriptionArn"]
    if not arn.startswith("arn:"):  # AWS writes "PendingConfirmation" there
        return Standing.NOT_CONFIRMED, _confirm(found["Protocol"])
    try:
        told = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    except ClientError as error:
        return Standing.UNKNOWN, explain(error)
    if told.get("PendingConfirmation") == "true":
        return Standing.NOT_CONFIRMED, _confirm(found["Protocol"])
    try:
        stopping = _stopped(told, attributes, body)
    except (UnknownRuleError, ValueError, TypeError, KeyError) as error:
        return Standing.UNKNOWN, f"its filter policy cannot be judged: {error}"
    if stopping:
        return Standing.FILTERED_OUT, f"by its filter policy on {', '.join(stopping)}"
    return Standing.GETS_IT, ""


def _stopped(told: Mapping[str, str], attributes: Mapping[str, str], body: str) -> list[str]:
    policy: Any = json.loads(told.get("FilterPolicy") or "{}")
    if told.get("FilterPolicyScope") != "MessageBody":
        return stopped_by(policy, attributes)
    if any(isinstance(rules, dict) for rules in policy.values()):
        raise UnknownRuleError("it looks inside the message's body")
    fields = json.loads(body)
    texts = {name: value for name, value in fields.items() if isinstance(value, str)}
    return stopped_by(policy, texts)


def _confirm(protocol: str) -> str:
    if protocol.startswith("email"):
        return "open the mail that AWS has sent there, and confirm"
    return "the endpoint has not answered AWS's question yet"
