"""The alert topic: one publish, and each protocol gets the form it can use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Message
from chalicelib.messages.body import body_of
from chalicelib.messages.mail import mail
from chalicelib.messages.subject import sms, subject
from chalicelib.text import plain

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class AlertTopic:
    """Publishes to SNS; raises what SNS refuses, so that nothing unsent counts as sent."""

    client: Callable[[], SNSClient]
    topic_arn: str
    alias_of: Callable[[Account], str]
    labels_of: Callable[[Account], Mapping[str, str]] = lambda _: {}
    """What an organization tells of the account: its unit, and its owner."""

    def publish(self, message: Message) -> None:
        """Publish mail text for mail, a short text for SMS, JSON for everything else."""
        alias = self.alias_of(message.account)
        forms = {
            "default": json.dumps(body_of(message, alias)),
            "email": mail(message, alias),
            "sms": sms(message),
        }
        self.client().publish(
            TopicArn=self.topic_arn,
            Subject=subject(message),
            MessageStructure="json",
            Message=json.dumps(forms),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in self._attributes(message).items()
            },
        )

    def _attributes(self, message: Message) -> dict[str, str]:
        """Whoever owns the user goes before whoever owns the account."""
        return {**self.labels_of(message.account), **attributes_of(message)}


def attributes_of(message: Message) -> dict[str, str]:
    """What a subscription's filter policy can go by."""
    owner = plain(message.finding.owner) if isinstance(message, Alert) else ""
    return {
        **({"owner": owner} if owner else {}),
        "type": message.type,
        "severity": message.severity.name,
        "account_id": message.account.account_id,
        "audience": message.audience,
    }


@dataclass(frozen=True, slots=True)
class ChatTopic:
    """The topic that Amazon Q in chat applications subscribes to."""

    client: SNSClient
    topic_arn: str

    def post(self, card: Mapping[str, Any]) -> None:
        """Publish a card; raises what SNS refuses."""
        self.client.publish(TopicArn=self.topic_arn, Message=json.dumps(card))


def confirmed_listeners(client: SNSClient, topic_arn: str) -> frozenset[tuple[str, str]]:
    """The protocol and endpoint of each confirmed subscription. Raises what botocore raises."""
    pages = client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    return frozenset(
        (found["Protocol"], found["Endpoint"])
        for page in pages
        for found in page["Subscriptions"]
        if found["SubscriptionArn"].startswith("arn:")  # else "PendingConfirmation", or "Deleted"
    )
