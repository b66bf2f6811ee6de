"""What mail and SMS subscribers of a topic would have received; the emulator sends nothing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mail:
    """One mail or text message to one subscriber; `message_id` is that of what was published."""

    to: str
    subject: str
    text: str
    topic_arn: str
    message_id: str
