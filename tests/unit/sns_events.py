"""SNS events as Lambda gets them, made from messages as the alert topic publishes them."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.domain.alerts import Message
from chalicelib.messages.body import body_of
from chalicelib.messages.subject import subject

ALARM = {
    "AlarmName": "straywatch-DeadLetterAlarm",
    "AlarmDescription": "Straywatch could not process something",
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:straywatch-DeadLetterAlarm",
    "AWSAccountId": "123456789012",
    "NewStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
    "StateChangeTime": "2026-11-23T03:15:00.000+0000",
    "OldStateValue": "OK",
    "Trigger": {},
}


def sns_event(*messages: Message) -> dict[str, Any]:
    """What a subscribed function gets. As on some paths, `MessageAttributes` may be absent."""
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "Sns": {
                    "Type": "Notification",
                    "Subject": subject(message),
                    "Message": json.dumps(body_of(message, "acme-prod")),
                },
            }
            for message in messages
        ]
    }


def alarm_event(**changes: str | None) -> dict[str, Any]:
    """What a function subscribed to the health topic gets from a CloudWatch alarm."""
    message = json.dumps(ALARM | changes)
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": message, "Subject": "x"}}]}
