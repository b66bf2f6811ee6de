"""An alert as each reader sees it: letter, bubble, card, incident; and as programs get it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.channels.chat.card import card
from chalicelib.channels.event_bus.event import event_of as bus_event_of
from chalicelib.channels.pager.incidents import event_of
from chalicelib.channels.received import Alarm, MalformedMessageError, Received, received
from chalicelib.codec import DecodingError
from chalicelib.domain.alerts import Audience
from chalicelib.domain.findings import NoFinding
from straywatch.alert_path.delivered import Delivered

_NOT_MAILED = "Not mailed: people learn of it from a digest."
_NOT_TEXTED = "Not sent as a text message: people learn of it from a digest."

Form = Mapping[str, Any]
"""`name`, `kind` (how the page draws it), its `text` as it was sent, and what the kind needs."""


def alert_row(number: int, alert: Delivered) -> dict[str, Any]:
    """An alert as the list shows it."""
    return {
        "n": number,
        "type": alert.type,
        "severity": alert.attributes.get("severity", ""),
        "subject": alert.subject,
        "user": alert.user_name,
        "at": int(alert.received_at * 1000),
        "machines": alert.attributes.get("audience") == Audience.MACHINES,
    }


def alert_forms(alert: Delivered) -> list[Form]:
    """Every form of an alert with its name; what is no message of ours has its raw text alone."""
    message = _message(alert)
    if isinstance(message, str):
        return [_plain("As it came", alert.raw or message)]
    return [
        _mail(alert),
        _sms(alert),
        *(_shown(name, message, form) for name, form in OF_CHANNELS.items()),
        _plain("JSON", json.dumps(alert.body, indent=2)),
    ]


def _plain(name: str, text: str) -> Form:
    return {"name": name, "kind": "source", "text": text}


def _mail(alert: Delivered) -> Form:
    if not alert.mail:
        return {"name": "Mail", "kind": "unsent", "text": _NOT_MAILED}
    text = f"Subject: {alert.subject}\n\n{alert.mail}"
    mail = {"subject": alert.subject, "body": alert.mail}
    return {"name": "Mail", "kind": "mail", "text": text, **mail}


def _sms(alert: Delivered) -> Form:
    if not alert.sms:
        return {"name": "SMS", "kind": "unsent", "text": _NOT_TEXTED}
    return {"name": "SMS", "kind": "sms", "text": alert.sms, "bytes": len(alert.sms.encode())}


def _message(alert: Delivered) -> Received | str:
    try:
        record = {"Sns": {"Message": alert.raw, "Subject": alert.subject}}
        (message,) = received({"Records": [record]})
    except MalformedMessageError as error:
        return str(error)
    return "an alarm" if isinstance(message, Alarm) else message


def _shown(name: str, message: Received, form: Callable[[Received], Form]) -> Form:
    try:
        return {"name": name, **form(message)}
    except (KeyError, TypeError, DecodingError) as error:  # a message whose parts are not ours
        return {"name": name, "kind": "unsent", "text": f"cannot be shown: it lacks {error}"}


def _card(message: Received) -> Form:
    made = card(message)
    content = made["content"]
    return {
        "kind": "chat",
        "text": json.dumps(made, indent=2),
        "title": content["title"],
        "lines": content["description"].split("\n"),
        "steps": list(content["nextSteps"]),
    }


def _incident(message: Received) -> Form:
    event = event_of(message).body("(the routing key)")
    payload = event.get("payload") or {}
    details = payload.get("custom_details") or {}
    return {
        "kind": "incident",
        "text": json.dumps(event, indent=2),
        "action": event["event_action"],
        "key": event["dedup_key"],
        "severity": payload.get("severity", ""),
        "summary": payload.get("summary", ""),
        "details": [[name, _in_line(value)] for name, value in details.items()],
        "links": [[link["text"], link["href"]] for link in event.get("links", ())],
    }


def _in_line(value: object) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def _bus_event(message: Received) -> Form:
    event = bus_event_of(message, NoFinding())
    head = {"source": event.source, "detail-type": event.detail_type, "resources": event.resources}
    text = json.dumps({**head, "detail": event.detail}, indent=2)
    return {"kind": "source", "text": text}


OF_CHANNELS: Mapping[str, Callable[[Received], Form]] = {
    "Chat": _card,
    "Pager": _incident,
    "Event bus": _bus_event,
}
"""What channels make of a message. Security Hub gets findings as they stand, whatever is said."""
