"""What mail and SMS subscribers of a topic would have received; the emulator sends neither."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One mail, or text message, to one subscriber; a text message has no subject of its own.

    `message_id` is that of the message published to the topic.
    """

    to: str
    subject: str
    text: str
    topic_arn: str
    message_id: str
    protocol: str = "email"
