"""A dead letter: what it is, why it died, and what runs it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.domain.check_requests import DigestRequest, MalformedCheckError, decode_check
from chalicelib.domain.sweep_requests import SWEEP_KIND, decode_sweep
from chalicelib.messages.body import SCHEMA as ALERT_SCHEMA

_UNTOLD = "not told: the queue itself gave up on it after too many receives"


class LetterKind(StrEnum):
    """Where a dead letter came from, and so where it is to go again."""

    CHECK = "check"
    """From the check queue."""
    SWEEP = "sweep"
    """From the sweep queue of an organization."""
    INVOCATION = "invocation"
    """A function failed on it, with all its retries."""
    DELIVERY = "delivery"
    """A rule could not deliver it to its function."""
    NOTIFICATION = "notification"
    """The topic could not deliver it to a function that is subscribed."""
    IMPORT = "import"
    """From a channel's queue of alerts, as Security Hub's."""
    UNREADABLE = "unreadable"
    """None of these: only a person can tell."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message of the dead-letter queue, read.

    `payload` is what is sent again; `function` is the ARN or name it goes to: for a notification
    the ARN of the subscription, for a check empty. `queue` is the name of the queue that gave up on
    it, where SQS tells. `about` names the user or event; `reason` is
    what was told when it died. All three hold text from others.
    """

    message_id: str
    receipt: str
    sent_at: datetime
    kind: LetterKind
    about: str
    reason: str
    payload: str
    function: str = ""
    queue: str = ""


def read_letter(message: Mapping[str, Any]) -> DeadLetter:
    """Read a message as ReceiveMessage returned it with all its attributes. Never fails."""
    body = str(message.get("Body", ""))
    told = {
        name: str(attribute.get("StringValue", ""))
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    system = message.get("Attributes", {})
    kind, about, reason, payload, function = _content(body, told)
    return DeadLetter(
        message_id=message["MessageId"],
        receipt=message["ReceiptHandle"],
        sent_at=datetime.fromtimestamp(int(system.get("SentTimestamp", "0")) / 1000, UTC),
        kind=kind,
        about=about,
        reason=reason,
        payload=payload,
        function=function,
        queue=str(system.get("DeadLetterQueueSourceArn", "")).rpartition(":")[2],
    )


_Content = tuple[LetterKind, str, str, str, str]


def _content(body: str, told: Mapping[str, str]) -> _Content:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        return _unreadable(body, told, f"not JSON: {error}")
    if not isinstance(value, dict):
        return _unreadable(body, told, "not a JSON object")
    if "requestContext" in value and "requestPayload" in value:
        return _invocation(value)
    if value.get("schema") == ALERT_SCHEMA:
        return LetterKind.IMPORT, _about_alert(value), told.get("reason", _UNTOLD), body, ""
    if "TARGET_ARN" in told:
        return _delivery(value, body, told)
    if value.get("kind") == SWEEP_KIND:
        return _sweep(body, told)
    if value.get("Type") == "Notification" and "Message" in value:
        return _notification(value, body, told)
    return _check(body, told)


def _check(body: str, told: Mapping[str, str]) -> _Content:
    try:
        request = decode_check(body)
    except MalformedCheckError as error:
        return _unreadable(body, told, str(error))
    about = "the digest" if isinstance(request, DigestRequest) else request.user_name
    return LetterKind.CHECK, about, told.get("reason", _UNTOLD), body, ""


def _sweep(body: str, told: Mapping[str, str]) -> _Content:
    try:
        account = decode_sweep(body).account
    except MalformedCheckError as error:
        return _unreadable(body, told, str(error))
    about = f"account {account.account_id}"
    return LetterKind.SWEEP, about, told.get("reason", _UNTOLD), body, ""


def _invocation(value: Mapping[str, Any]) -> _Content:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html."""
    context = value["requestContext"]
    function = context.get("functionArn", "") if isinstance(context, Mapping) else ""
    response = value.get("responsePayload")
    response = response if isinstance(response, Mapping) else {}
    error = ": ".join(str(response[k]) for k in ("errorType", "errorMessage") if response.get(k))
    condition = context.get("condition", "") if isinstance(context, Mapping) else ""
    payload = json.dumps(value["requestPayload"])
    about = _about_event(value["requestPayload"])
    return (
        LetterKind.INVOCATION,
        about,
        error or str(condition) or "not told",
        payload,
        str(function),
    )


def _delivery(value: Mapping[str, Any], body: str, told: Mapping[str, str]) -> _Content:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html."""
    parts = (told.get("ERROR_CODE", ""), told.get("ERROR_MESSAGE", ""))
    reason = ": ".join(part for part in parts if part) or "not told"
    return LetterKind.DELIVERY, _about_event(value), reason, body, told["TARGET_ARN"]


def _notification(value: Mapping[str, Any], body: str, told: Mapping[str, str]) -> _Content:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-dead-letter-queues.html.

    The link with which a subscriber leaves is all that names the subscription.
    """
    link = parse_qs(urlsplit(str(value.get("UnsubscribeURL", ""))).query)
    subscription = link.get("SubscriptionArn", [""])[0]
    if not subscription:
        return _unreadable(body, told, "a notification that names no subscription")
    parts = (told.get("ErrorCode", ""), told.get("ErrorMessage", ""))
    reason = ": ".join(part for part in parts if part) or "not told"
    record = {
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {"MessageAttributes": {}, **value},
    }
    about = str(value.get("Subject") or "")
    return LetterKind.NOTIFICATION, about, reason, json.dumps({"Records": [record]}), subscription


def _unreadable(body: str, told: Mapping[str, str], why: str) -> _Content:
    reason = "; ".join(part for part in (told.get("reason", ""), why) if part)
    return LetterKind.UNREADABLE, "", reason, body, ""


def _about_alert(body: Mapping[str, Any]) -> str:
    """Name an alert by its type and user, as far as it tells them."""
    finding = body.get("finding")
    user = finding.get("user_name") if isinstance(finding, Mapping) else None
    return " ".join(str(part) for part in (body.get("type"), user) if part)


def _about_event(event: object) -> str:
    """Name an event by its call and user, as far as it tells them."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(detail, Mapping):
        return ""
    parameters = detail.get("requestParameters")
    user = parameters.get("userName") if isinstance(parameters, Mapping) else None
    return " ".join(str(part) for part in (detail.get("eventName"), user) if part)
