"""The texts of every message as plain files; `python -m tests.unit.snapshots` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.channels.chat.card import card
from chalicelib.channels.event_bus.event import event_of as bus_event_of
from chalicelib.channels.pager.incidents import event_of as page_of
from chalicelib.channels.received import Received, message_of
from chalicelib.channels.security_hub.asff import asff_of
from chalicelib.domain.alerts import Message
from chalicelib.domain.findings import NoFinding
from chalicelib.messages.body import body_of
from chalicelib.messages.mail import mail
from chalicelib.messages.subject import sms, subject
from tests.unit.examples import ACCOUNT, EXAMPLES, NOW

FOLDER = Path(__file__).parent / "snapshots"
ALIAS = "acme-prod"


def shown(message: Message) -> str:
    """A message in each of its forms, those of the channels included."""
    told = json.dumps(body_of(message, ALIAS))
    received = message_of(told, subject(message))
    assert isinstance(received, Received)
    parts = {
        "subject": subject(message),
        "mail": mail(message, ALIAS).rstrip("\n"),
        "sms": sms(message),
        "json": json.dumps(json.loads(told), indent=2),
        "card": json.dumps(card(received), indent=2),
        "page": json.dumps(page_of(received).body("KEY"), indent=2),
        "bus": _on_the_bus(received),
    }
    if received.body["finding"]:
        parts["security hub"] = _in_security_hub(received)
    return "\n".join(f"--- {name}\n{text}" for name, text in parts.items()) + "\n"


def _on_the_bus(message: Received) -> str:
    """The detail is the body above."""
    event = bus_event_of(message, NoFinding())
    return f"{event.detail_type} {list(event.resources)} {event.detail['status_now']}"


def _in_security_hub(message: Received) -> str:
    found = asff_of(
        message.body["finding"],
        message.body["remediation"],
        importer=ACCOUNT,
        region="us-east-1",
        updated_at=NOW,
        test=message.is_test,
    )
    return json.dumps(found, indent=2)


def main() -> None:
    """Write every snapshot, and remove those of messages that are no more."""
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        if path.stem not in EXAMPLES:
            path.unlink()
    for name, message in EXAMPLES.items():
        (FOLDER / f"{name}.txt").write_text(shown(message))


if __name__ == "__main__":
    main()
