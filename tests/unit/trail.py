"""CloudTrail records for tests, made as the service writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

START = datetime(2026, 6, 1, tzinfo=UTC)
ACCOUNT = "123456789012"
_ids = count(1)


def at(seconds: float = 0, *, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
    """An instant after the start of all tests' logs."""
    return START + timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)


def record(
    when: datetime, name: str, user: str, group: str = "", *, user_id: str = "", **more: Any
) -> dict[str, Any]:
    """One successful IAM call; `more` replaces fields of the record."""
    parameters = {"userName": user} | ({"groupName": group} if group else {})
    created = {"user": {"userName": user, "userId": user_id or f"AIDA{user.upper():0<17}"}}
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/admin"},
        "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "iam.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "test",
        "requestParameters": parameters,
        "responseElements": created if name == "CreateUser" else None,
        "eventID": f"event-{next(_ids)}",
        "recipientAccountId": ACCOUNT,
    } | more


def created(when: datetime, user: str, **more: Any) -> dict[str, Any]:
    """A user was created."""
    return record(when, "CreateUser", user, **more)


def joined(when: datetime, user: str, group: str, **more: Any) -> dict[str, Any]:
    """A user was added to a group."""
    return record(when, "AddUserToGroup", user, group, **more)


def left(when: datetime, user: str, group: str, **more: Any) -> dict[str, Any]:
    """A user was removed from a group."""
    return record(when, "RemoveUserFromGroup", user, group, **more)


def deleted(when: datetime, user: str, **more: Any) -> dict[str, Any]:
    """A user was deleted."""
    return record(when, "DeleteUser", user, **more)


def renamed(when: datetime, user: str, new: str, **more: Any) -> dict[str, Any]:
    """A user was given another name."""
    parameters = {"userName": user, "newUserName": new}
    return record(when, "UpdateUser", user, **{"requestParameters": parameters} | more)


def group_renamed(when: datetime, group: str, new: str) -> dict[str, Any]:
    """A group was given another name."""
    parameters = {"groupName": group, "newGroupName": new}
    return record(when, "UpdateGroup", "-", requestParameters=parameters)
