"""The texts of every message as plain files; `python -m tests.unit.snapshots` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

from chalicelib.domain.alerts import Message
from chalicelib.messages.body import body_of
from chalicelib.messages.mail import mail
from chalicelib.messages.subject import sms, subject
from tests.unit.examples import EXAMPLES

FOLDER = Path(__file__).parent / "snapshots"
ALIAS = "acme-prod"


def shown(message: Message) -> str:
    """A message in each of its forms."""
    parts = {
        "subject": subject(message),
        "mail": mail(message, ALIAS).rstrip("\n"),
        "sms": sms(message),
        "json": json.dumps(body_of(message, ALIAS), indent=2),
    }
    return "\n".join(f"--- {name}\n{text}" for name, text in parts.items()) + "\n"


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
