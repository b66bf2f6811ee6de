"""The resources that the functions use, on an AWS in memory, made as the template makes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto import mock_aws

from chalicelib.bootstrap import Deployment
from straywatch.deploy.template import assemble
from tests.adapters.aws import client
from tests.fakes import Clock
from tests.unit.environment import ENVIRONMENT
from tests.unit.records import ACCOUNT_ID, NOW

RESOURCES = assemble()["Resources"]
_KEPT = ("BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")


def create_table(dynamodb: Any, logical_id: str, name: str) -> None:
    """Make a table with the keys and indexes that the template gives it."""
    properties = RESOURCES[logical_id]["Properties"]
    kept = {key: properties[key] for key in _KEPT if key in properties}
    dynamodb.create_table(TableName=name, **kept)


@dataclass
class Stack:
    """The deployed resources, the monitor on them, which clients it has made, and what calls."""

    environment: dict[str, str]
    inbox: str
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    made: list[str] = field(default_factory=list)
    called: set[str] = field(default_factory=set)

    def deployment(self, refusing: Mapping[str, str] | None = None) -> Deployment:
        """A function that has just started cold; the calls named in `refusing` meet that error."""

        def make(service: str, _: object) -> Any:
            self.made.append(service)
            made = client(service)
            made.meta.events.register("before-call", partial(self._refuse, refusing or {}))
            return made

        return Deployment(self.environment, make, self.clock, sleep=self.clock.advance)

    def create_user(self, name: str, created_at: datetime, path: str = "/") -> None:
        """Make an IAM user that has been there since `created_at`."""
        from moto.iam.models import iam_backends  # noqa: PLC0415 - only while moto is on

        client("iam").create_user(UserName=name, Path=path)
        users = iam_backends[ACCOUNT_ID]["aws"].users
        (user,) = (user for user in users.values() if user.name == name)
        user.create_date = created_at.replace(tzinfo=None)

    def queued(self) -> list[str]:
        """Take every message off the check queue, due or not."""
        return [message["Body"] for message in self._taken(self.environment["CHECK_QUEUE_URL"])]

    def dead(self) -> list[dict[str, Any]]:
        """Take every message off the dead-letter queue."""
        return self._taken(self.environment["DEAD_LETTER_QUEUE_URL"])

    def alerts(self) -> list[dict[str, Any]]:
        """Take every alert that was published."""
        envelopes = [json.loads(message["Body"]) for message in self._taken(self.inbox)]
        return [json.loads(envelope["Message"]) for envelope in envelopes]

    def told(self) -> list[tuple[str, str]]:
        """Type and user of every alert that was published."""
        return [(alert["type"], alert["finding"]["user_name"]) for alert in self.alerts()]

    def _refuse(self, refusing: Mapping[str, str], model: Any, **_: Any) -> tuple[Any, Any] | None:
        """Note a call, and answer those to be refused in AWS's place, with an error."""
        self.called.add(f"{model.service_model.endpoint_prefix}:{model.name}")
        if model.name not in refusing:
            return None
        error = {"Error": {"Code": refusing[model.name], "Message": "refused for a test"}}
        return AWSResponse("", 400, HTTPHeaders(), None), error

    def _taken(self, url: str) -> list[dict[str, Any]]:
        from moto.sqs.models import sqs_backends  # noqa: PLC0415 - only while moto is on

        # A delayed message is invisible to its receivers; the store behind them shows it.
        queue = sqs_backends[ACCOUNT_ID]["us-east-1"].get_queue(url.rsplit("/", 1)[-1])
        found = [
            {"Body": message.body, "MessageAttributes": message.message_attributes}
            for message in queue._messages
        ]
        queue._messages.clear()
        return found


@contextmanager
def aws_in_memory(**variables: str) -> Iterator[Stack]:
    """All of the template's resources that code touches, for the length of a `with` block."""
    with mock_aws():
        dynamodb, sqs, sns = client("dynamodb"), client("sqs"), client("sns")
        create_table(dynamodb, "FindingsTable", "findings")
        create_table(dynamodb, "StateTable", "state")
        topic = sns.create_topic(Name="alerts")["TopicArn"]
        urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in _QUEUES}
        arn = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:{_QUEUES[-1]}"
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        yield Stack(
            ENVIRONMENT
            | {
                "ALERT_TOPIC_ARN": topic,
                "CHECK_QUEUE_URL": urls["checks"],
                "DEAD_LETTER_QUEUE_URL": urls["dead"],
                **variables,
            },
            urls["inbox"],
        )


_QUEUES = ("checks", "dead", "inbox")
