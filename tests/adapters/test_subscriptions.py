"""What becomes of a message at each subscription, as SNS's own answers tell it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from straywatch.alert_path.subscriptions import Standing, subscriptions

TOPIC = "arn:aws:sns:us-east-1:123456789012:alerts"
ATTRIBUTES = {"type": "test", "severity": "HIGH", "account_id": "1", "audience": "all"}


@pytest.fixture
def sns() -> Iterator[tuple[Any, Stubber]]:
    """SNS's client, with its answers laid down."""
    client = boto3.client(
        "sns", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with Stubber(client) as stub:
        yield client, stub


def listed(stub: Stubber, arn: str, protocol: str, endpoint: str, token: str = "") -> None:
    """SNS lists one subscription; with a token, more to come."""
    subscription = {
        "SubscriptionArn": arn,
        "Owner": "123456789012",
        "Protocol": protocol,
        "Endpoint": endpoint,
        "TopicArn": TOPIC,
    }
    more = {"NextToken": token} if token else {}
    stub.add_response("list_subscriptions_by_topic", {"Subscriptions": [subscription], **more})


def attributes(stub: Stubber, **told: str) -> None:
    """SNS tells a subscription's attributes."""
    stub.add_response("get_subscription_attributes", {"Attributes": told})


def standing(client: Any) -> list[tuple[Standing, str]]:
    """What is said of each subscription."""
    found = subscriptions(client, "alerts", TOPIC, ATTRIBUTES, json.dumps({"type": "test"}))
    return [(each.standing, each.why) for each in found]


def test_an_address_that_has_not_confirmed(sns: tuple[Any, Stubber]) -> None:
    """Nothing reaches it: the way out is named."""
    client, stub = sns
    listed(stub, "PendingConfirmation", "email", "you@example.com")
    ((found, why),) = standing(client)
    assert found is Standing.NOT_CONFIRMED
    assert "confirm" in why


def test_an_endpoint_that_has_not_answered(sns: tuple[Any, Stubber]) -> None:
    """Some subscriptions have an ARN before they are confirmed."""
    client, stub = sns
    listed(stub, f"{TOPIC}:1", "https", "https://example.com/hook")
    attributes(stub, PendingConfirmation="true")
    assert standing(client)[0][0] is Standing.NOT_CONFIRMED


def test_every_page_is_read(sns: tuple[Any, Stubber]) -> None:
    """Subscriptions come by pages of a hundred."""
    client, stub = sns
    listed(stub, f"{TOPIC}:1", "sqs", "arn:aws:sqs:us-east-1:1:a", token="more")
    attributes(stub, PendingConfirmation="false")
    listed(stub, f"{TOPIC}:2", "sqs", "arn:aws:sqs:us-east-1:1:b")
    attributes(stub, PendingConfirmation="false", FilterPolicy='{"severity": ["LOW"]}')
    assert [found for found, _ in standing(client)] == [Standing.GETS_IT, Standing.FILTERED_OUT]


@pytest.mark.parametrize(
    ("scope", "policy", "expected"),
    [
        ("MessageBody", '{"type": ["test"]}', Standing.GETS_IT),
        ("MessageBody", '{"severity": ["HIGH"]}', Standing.FILTERED_OUT),
        ("MessageBody", '{"finding": {"severity": ["HIGH"]}}', Standing.UNKNOWN),
        ("MessageAttributes", '{"type": [{"telepathy": "x"}]}', Standing.UNKNOWN),
        ("MessageAttributes", "not JSON", Standing.UNKNOWN),
    ],
)
def test_a_filter_that_cannot_be_judged_is_not_guessed(
    sns: tuple[Any, Stubber], scope: str, policy: str, expected: Standing
) -> None:
    """Policies on the body are judged by its top level; what lies deeper is not known."""
    client, stub = sns
    listed(stub, f"{TOPIC}:1", "sqs", "arn:aws:sqs:us-east-1:1:a")
    attributes(stub, FilterPolicy=policy, FilterPolicyScope=scope)
    assert standing(client)[0][0] is expected


def test_a_subscription_that_may_not_be_read(sns: tuple[Any, Stubber]) -> None:
    """It belongs to another account, say: not known is not "gets it"."""
    client, stub = sns
    listed(stub, f"{TOPIC}:1", "sqs", "arn:aws:sqs:us-east-1:2:a")
    stub.add_client_error("get_subscription_attributes", "AuthorizationError", "no")
    assert standing(client)[0][0] is Standing.UNKNOWN


def test_a_password_in_an_address_is_not_shown(sns: tuple[Any, Stubber]) -> None:
    """SNS sends basic authentication from the address itself."""
    client, stub = sns
    listed(stub, "PendingConfirmation", "https", "https://user:secret@example.com/hook")
    (found,) = subscriptions(client, "alerts", TOPIC, ATTRIBUTES, "{}")
    assert found.endpoint == "https://***@example.com/hook"
