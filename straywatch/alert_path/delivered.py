"""What was delivered of an alert: to machines and people, and what a channel shows its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Delivered:
    """One message of the topic. `body` is {} and `type` "" where its JSON could not be read."""

    type: str
    subject: str
    mail: str
    body: dict[str, Any]
    attributes: dict[str, str]
    raw: str
    received_at: float
    sms: str = ""

    @property
    def user_name(self) -> str:
        """The user that the alert is about, or "" for one that is about none."""
        finding = self.body.get("finding")
        return str(finding.get("user_name", "")) if isinstance(finding, dict) else ""


@dataclass(frozen=True)
class Delivery:
    """What a channel shows its reader: one message, in lines."""

    channel: str
    title: str
    text: str
