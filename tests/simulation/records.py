"""CloudTrail's records of IAM calls, in the envelope that EventBridge delivers."""

from __future__ import annotations

from typing import Any

from tests.simulation.iam import ACCOUNT_ID
from tests.simulation.kernel import SECOND, instant
from tests.simulation.plan import Act, Do
from tests.simulation.sns import Notification

EVENT_NAMES = {
    Do.CREATE: "CreateUser",
    Do.REMOVE: "RemoveUserFromGroup",
    Do.ADD: "AddUserToGroup",
    Do.DELETE: "DeleteUser",
    Do.RENAME: "UpdateUser",
}


def told_at(at: int) -> int:
    """The event's own time: CloudTrail tells whole seconds."""
    return at // SECOND * SECOND


def envelope(act: Act, user_id: str, event_id: str, at: int) -> dict[str, Any]:
    """The event of an act that was done to this user, or that was done elsewhere."""
    account_id, region = act.elsewhere.split() if act.elsewhere else (ACCOUNT_ID, "us-east-1")
    parameters: dict[str, Any] = {"userName": act.name}
    if act.do in (Do.ADD, Do.REMOVE):
        parameters["groupName"] = act.other
    if act.do is Do.RENAME:
        parameters["newUserName"] = act.other
    response = None
    if act.do is Do.CREATE:
        response = {"user": {"userName": act.name, "userId": user_id, "path": "/"}}
    detail = {
        "eventVersion": "1.08",
        "userIdentity": {
            "type": "IAMUser",
            "arn": f"arn:aws:iam::{account_id}:user/admin",
            "accountId": account_id,
            "userName": "admin",
        },
        "eventTime": written(told_at(at)),
        "eventSource": "iam.amazonaws.com",
        "eventName": EVENT_NAMES[act.do],
        "awsRegion": region,
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "aws-cli/2",
        "requestParameters": parameters,
        "responseElements": response,
        "eventID": event_id,
        "eventType": "AwsApiCall",
        "recipientAccountId": account_id,
    }
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": account_id,
        "time": written(told_at(at)),
        "region": region,
        "resources": [],
        "detail": detail,
    }


def alarm(act: Act) -> dict[str, Any]:
    """CloudWatch's message about an alarm that has changed."""
    return {
        "AlarmName": act.name,
        "AlarmArn": arn_of_alarm(act.name),
        "AWSAccountId": ACCOUNT_ID,
        "NewStateValue": act.other,
        "NewStateReason": "Threshold Crossed",
        "StateChangeTime": instant(act.at).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000",
    }


def arn_of_alarm(name: str) -> str:
    """The ARN of an alarm of the account."""
    return f"arn:aws:cloudwatch:us-east-1:{ACCOUNT_ID}:alarm:{name}"


def sns_event(told: Notification, message_id: str) -> dict[str, Any]:
    """What SNS hands to a function."""
    sns = {
        "MessageId": message_id,
        "Subject": told.subject,
        "Message": told.text,
        "MessageAttributes": {
            name: {"Type": "String", "Value": value} for name, value in told.attributes.items()
        },
    }
    return {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "Sns": sns}]}


def written(at: int) -> str:
    """A whole second as CloudTrail writes it."""
    return instant(at).strftime("%Y-%m-%dT%H:%M:%SZ")
