"""CloudTrail records and EventBridge events as AWS writes them, for tests to bend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.events import Change, MembershipEvent, parse_record
from chalicelib.times import iso

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
"""The time on the clock that tests hand in."""
ACCOUNT_ID = "123456789012"
ACCOUNT = Account("aws", ACCOUNT_ID)
USER_ID = "AIDAQWERTYUIOPASDFGH"
ROLE_SESSION = {
    "type": "AssumedRole",
    "principalId": "AROAQWERTYUIOPASDFGH:ann",
    "arn": f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/admin/ann",
    "accountId": ACCOUNT_ID,
    "accessKeyId": "ASIAQWERTYUIOPASDFGH",
    "sessionContext": {"sessionIssuer": {}, "attributes": {"mfaAuthenticated": "false"}},
}
_PARAMETERS: dict[str, dict[str, Any]] = {
    "CreateUser": {"userName": "bob", "path": "/", "tags": [{"key": "team", "value": "x"}]},
    "RemoveUserFromGroup": {"userName": "bob", "groupName": "nurses"},
    "AddUserToGroup": {"userName": "bob", "groupName": "nurses"},
    "DeleteUser": {"userName": "bob"},
    "UpdateUser": {"userName": "bob", "newUserName": "rob"},
}
CALLS = tuple(_PARAMETERS)


def at(seconds: float) -> datetime:
    """The instant so many seconds after noon (`NOW`), or before it."""
    return NOW + timedelta(seconds=seconds)


def record(name: str, **changes: Any) -> dict[str, Any]:
    """A successful IAM call, about the user bob; `changes` replace fields of the record."""
    created = {
        "user": {
            "path": "/",
            "userName": "bob",
            "userId": USER_ID,
            "arn": f"arn:aws:iam::{ACCOUNT_ID}:user/bob",
            "createDate": "Nov 23, 2026 11:59:00 AM",
        }
    }
    return {
        "eventVersion": "1.11",
        "userIdentity": ROLE_SESSION,
        "eventTime": iso(at(-60)),
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "203.0.113.7",
        "userAgent": "aws-cli/2.31.0",
        "requestParameters": _PARAMETERS.get(name, {"userName": "bob"}),
        "responseElements": created if name == "CreateUser" else None,
        "requestID": "9f0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0001",
        "eventID": "5d0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0002",
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT_ID,
        "eventCategory": "Management",
    } | changes


def first_version(name: str) -> dict[str, Any]:
    """The same call as CloudTrail's eventVersion 1.0 recorded it."""
    lacking = ("eventID", "requestID", "eventType", "recipientAccountId", "managementEvent")
    kept = {key: value for key, value in record(name).items() if key not in lacking}
    return kept | {"eventVersion": "1.0"}


def envelope(detail: Any, **changes: Any) -> dict[str, Any]:
    """The EventBridge event around a record; `changes` replace fields of the envelope."""
    return {
        "version": "0",
        "id": "aa0cbd3e-0d4c-4c3e-8d6b-0f6d0a5a0003",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": ACCOUNT_ID,
        "time": iso(at(-60)),
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    } | changes


def event(
    name: str, seconds: float, *, user: str = "bob", group: str = "nurses", **parameters: str
) -> MembershipEvent:
    """A call about `user` so many seconds after noon, as the monitor reads it."""
    parsed = parse_record(
        record(
            name,
            eventTime=at(seconds).isoformat(),
            eventID=f"{name}-{seconds}-{group}",
            requestParameters={
                "userName": user,
                **({"groupName": group} if "Group" in name else {}),
                **parameters,
            },
        ),
        at(10**7),
    )
    assert isinstance(parsed, MembershipEvent)
    return parsed


def renamed(seconds: float, old: str, new: str) -> MembershipEvent:
    """A rename so many seconds after noon."""
    found = event("UpdateUser", seconds, user=old, group=f"{old}-{new}", newUserName=new)
    assert found.change is Change.RENAMED
    return found
