"""What SNS and SQS refuse and the emulator would take: subjects, message structures, delays."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_SUBJECT = 99  # SNS API reference, Publish: less than 100 characters
LONGEST_DELAY = 900  # seconds; SQS API reference, SendMessage


@dataclass(frozen=True)
class Refusal:
    """An error code and message as the service gives them."""

    code: str
    message: str


def refusal(action: str, parameters: Mapping[str, Any]) -> list[Refusal]:
    """Return why AWS would refuse these parameters, as a list of none or one."""
    if action == "sns:Publish":
        reason = _publish_problem(parameters)
        return [Refusal("InvalidParameter", f"Invalid parameter: {reason}")] if reason else []
    if action == "sqs:SendMessage":
        entries = parameters.get("Entries") or [parameters]
        for delay in (entry.get("DelaySeconds", 0) for entry in entries):
            if not 0 <= int(delay) <= LONGEST_DELAY:
                return [
                    Refusal(
                        "InvalidParameterValue",
                        f"Value {delay} for parameter DelaySeconds is invalid. "
                        "Reason: DelaySeconds must be >= 0 and <= 900.",
                    )
                ]
    return []


def _publish_problem(parameters: Mapping[str, Any]) -> str:
    message = str(parameters.get("Message", ""))
    subject = str(parameters.get("Subject", ""))
    if not message:
        return "Empty message"
    if len(subject) > LONGEST_SUBJECT or any(unicodedata.category(c) == "Cc" for c in subject):
        return "Subject"
    return _structure_problem(message) if parameters.get("MessageStructure") == "json" else ""


def _structure_problem(message: str) -> str:
    try:
        bodies = json.loads(message)
    except ValueError:
        return "Message Structure - JSON message body failed to parse"
    if not isinstance(bodies, dict) or not isinstance(bodies.get("default"), str):
        return "Message Structure - No default entry in JSON message body"
    return ""
