"""An alert as each of its readers gets it: mail, text message, chat, pager, program."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chalicelib.channels.chat.card import card
from chalicelib.channels.event_bus.event import event_of as bus_event_of
from chalicelib.channels.pager.incidents import event_of
from chalicelib.channels.received import Alarm, MalformedMessageError, Received, received
from chalicelib.codec import DecodingError
from chalicelib.domain.findings import NoFinding
from straywatch.alert_path.delivered import Delivered

_NOT_MAILED = "Not mailed: people learn of it from a digest."
_NOT_TEXTED = "Not sent as a text message: people learn of it from a digest."


def alert_row(number: int, alert: Delivered) -> dict[str, Any]:
    """An alert as the list shows it."""
    return {
        "n": number,
        "type": alert.type,
        "severity": alert.attributes.get("severity", ""),
        "subject": alert.subject,
        "user": alert.user_name,
        "at": int(alert.received_at * 1000),
    }


def alert_forms(alert: Delivered) -> list[dict[str, str]]:
    """Every form of an alert with its name; what is no message of ours has its raw text alone."""
    message = _message(alert)
    if isinstance(message, str):
        return [{"name": "As it came", "text": alert.raw or message}]
    return [
        {"name": "Mail", "text": _mail(alert)},
        {"name": "SMS", "text": alert.sms or _NOT_TEXTED},
        *({"name": each, "text": _shown(message, form)} for each, form in OF_CHANNELS.items()),
        {"name": "JSON", "text": json.dumps(alert.body, indent=2)},
    ]


def _mail(alert: Delivered) -> str:
    return f"Subject: {alert.subject}\n\n{alert.mail}" if alert.mail else _NOT_MAILED


def _message(alert: Delivered) -> Received | str:
    try:
        record = {"Sns": {"Message": alert.raw, "Subject": alert.subject}}
        (message,) = received({"Records": [record]})
    except MalformedMessageError as error:
        return str(error)
    return "an alarm" if isinstance(message, Alarm) else message


def _shown(message: Received, form: Callable[[Received], str]) -> str:
    try:
        return form(message)
    except (KeyError, TypeError, DecodingError) as error:  # a message whose parts are not ours
        return f"cannot be shown: it lacks {error}"


def _card_text(message: Received) -> str:
    content = card(message)["content"]
    return "\n".join((content["title"], "", content["description"], "", *content["nextSteps"]))


def _page_text(message: Received) -> str:
    event = event_of(message).body("(the routing key)")
    return json.dumps(event, indent=2)


def _bus_event_text(message: Received) -> str:
    event = bus_event_of(message, NoFinding())
    head = {"source": event.source, "detail-type": event.detail_type, "resources": event.resources}
    return json.dumps({**head, "detail": event.detail}, indent=2)


OF_CHANNELS = {"Chat": _card_text, "Pager": _page_text, "Event bus": _bus_event_text}
"""What channels make of a message. Security Hub gets findings as they stand, whatever is said."""
