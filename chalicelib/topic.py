"""The alert topic: one publish, and each protocol gets the form it can use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chalicelib.alerts import Alert, Notice, alert_body, notice_body
from chalicelib.mail import mail, sms, subject

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient


@dataclass(frozen=True, slots=True)
class AlertTopic:
    """Publishes to SNS; raises what SNS refuses, so that nothing unsent counts as sent."""

    client: SNSClient
    topic_arn: str

    def publish(self, message: Alert | Notice) -> None:
        """Publish mail text for mail, a short text for SMS, JSON for everything else."""
        about = message.finding if isinstance(message, Alert) else message
        body = alert_body(message) if isinstance(message, Alert) else notice_body(message)
        forms = {
            "default": json.dumps(body),
            "email": mail(message),
            "sms": sms(message),
        }
        attributes = {
            "type": message.type,
            "severity": about.severity.name,
            "account_id": about.account.account_id,
        }
        self.client.publish(
            TopicArn=self.topic_arn,
            Subject=subject(message),
            MessageStructure="json",
            Message=json.dumps(forms),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )
