"""People who stopped listening, or never could: what SNS does not say of itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from straywatch.alert_path.subscriptions import Subscription

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient

_DECLARED = {
    "AlertMail": ("alerts", "email"),
    "HealthMail": ("health", "email"),
    "AlertText": ("alerts", "sms"),
    "HealthText": ("health", "sms"),
    "TamperMail": ("tamper", "email"),
    "TamperText": ("tamper", "sms"),
}
"""Subscriptions of the template, with the topic and the protocol that they are for."""


def ended(declared: Iterable[str], found: Sequence[Subscription]) -> Iterator[str]:
    """Say which of the stack's subscriptions, by their names in the template, are not there.

    A link in every mail ends one, and scanners follow links; SNS drops what nobody confirms within
    days. CloudFormation notices neither, and never subscribes again.
    """
    there = {(each.topic, each.protocol) for each in found}
    for name in declared:
        topic, protocol = _DECLARED.get(name, ("", ""))
        if topic and (topic, protocol) not in there:
            yield (
                f"{name} has ended: nobody gets the topic of {topic} by {protocol} any more, and "
                "no deployment brings it back; subscribe again (docs/channels.md)"
            )


def texts(sns: SNSClient, found: Sequence[Subscription]) -> Iterator[str]:
    """Say what keeps text messages from arriving, though SNS takes them without a word.

    Raises ClientError where SNS does not tell: then it is not known.
    """
    numbers = sorted({each.endpoint for each in found if each.protocol == "sms"})
    if not numbers:
        return
    verified = _verified(sns)
    for number in numbers:
        if sns.check_if_phone_number_is_opted_out(phoneNumber=number)["isOptedOut"]:
            yield f"{number} has opted out of text messages: none arrives"
        elif sns.get_sms_sandbox_account_status()["IsInSandbox"] and number not in verified:
            yield (
                f"the account is in the SMS sandbox, and {number} is not verified there: no text "
                "message arrives"
            )


def _verified(sns: SNSClient) -> set[str]:
    pages = sns.get_paginator("list_sms_sandbox_phone_numbers").paginate()
    numbers = (each for page in pages for each in page["PhoneNumbers"])
    return {each["PhoneNumber"] for each in numbers if each["Status"] == "Verified"}
