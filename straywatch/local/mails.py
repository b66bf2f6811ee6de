"""What the e-mail subscribers of a topic would have received; the emulator sends no mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One mail to one subscriber. `message_id` is that of the message published to the topic."""

    to: str
    subject: str
    text: str
    topic_arn: str
    message_id: str
