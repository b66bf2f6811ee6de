"""Who gets a drill's alerts, and who of them would be woken by one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.topic import attributes_of
from chalicelib.domain.account import Account
from chalicelib.domain.findings import AlertType
from chalicelib.domain.severity import Severity
from chalicelib.messages.body import body_of
from chalicelib.times import utc_now
from straywatch.alert_path.sample_alerts import sample
from straywatch.alert_path.subscriptions import Standing, Subscription, subscriptions
from straywatch.aws.sessions import RETRIES
from straywatch.drill.volunteer import PREFIX

if TYPE_CHECKING:
    import boto3

_WAKES = ("sms",)
"""A text message interrupts. The pager is told of the drill instead, and stays silent."""


def audience(session: boto3.Session, topic_arn: str, account: Account) -> Sequence[Subscription]:
    """Say of each subscription, but those of drills, what becomes of an alert about a drill."""
    message = sample(AlertType.OPENED, Severity.LOW, account, utc_now())
    sns = session.client("sns", config=RETRIES)
    found = subscriptions(
        sns, "alerts", topic_arn, attributes_of(message), json.dumps(body_of(message))
    )
    return [each for each in found if not each.endpoint.split(":")[-1].startswith(PREFIX)]


def woken(found: Sequence[Subscription]) -> Sequence[Subscription]:
    """Those whom an alert interrupts, whatever the hour."""
    return [each for each in _served(found) if each.protocol in _WAKES]


def deaf(found: Sequence[Subscription]) -> str:
    """Say why nobody gets the alert; empty where somebody does."""
    if _served(found):
        return ""
    told = "; ".join(f"{each.protocol} {each.endpoint}: {each.why}" for each in found)
    return f"the alert was published, and nobody is subscribed who gets it ({told or 'none'})"


def _served(found: Sequence[Subscription]) -> Sequence[Subscription]:
    return [each for each in found if each.standing is Standing.GETS_IT]
