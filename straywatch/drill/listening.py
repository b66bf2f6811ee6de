"""The ear of a drill on the alert topic, and ears that earlier drills have left there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from straywatch.alert_path.tap import Tap, Tapped, open_tap
from straywatch.aws.sessions import RETRIES
from straywatch.drill.volunteer import PREFIX

if TYPE_CHECKING:
    import boto3


@dataclass
class Ear:
    """Hears the topic, and remembers what it heard about one user."""

    tap: Tap
    user_name: str
    heard: list[Tapped] = field(default_factory=list)

    def listen(self, wanted: str) -> Sequence[Tapped]:
        """Return the alerts of a type (`opened`) about the user that have been heard by now."""
        self.heard += self.tap.poll(0)
        return [each for each in self.heard if self._is(each, wanted)]

    def _is(self, message: Tapped, wanted: str) -> bool:
        finding = message.body.get("finding") or {}
        return message.body.get("type") == wanted and finding.get("user_name") == self.user_name


def open_ear(session: boto3.Session, topic_arn: str, user_name: str) -> Ear:
    """Listen on the topic by a queue of the user's name. Raises ClientError."""
    return Ear(open_tap(session, topic_arn, user_name), user_name)


def remove_old_ears(session: boto3.Session, topic_arn: str) -> int:
    """Remove what killed drills have left, and return how many queues there were."""
    sqs, sns = session.client("sqs", config=RETRIES), session.client("sns", config=RETRIES)
    pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic_arn)
    for page in pages:
        for each in page["Subscriptions"]:
            if each["Protocol"] == "sqs" and each["Endpoint"].split(":")[-1].startswith(PREFIX):
                sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])
    urls = sqs.list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    for url in urls:
        sqs.delete_queue(QueueUrl=url)
    return len(urls)
