"""CloudTrail's IAM events, as EventBridge delivers them, read into values or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeGuard

from chalicelib.domain.account import ACCOUNT_ID, Account
from chalicelib.domain.partitions import partition_of_region
from chalicelib.times import parse_time


class Change(StrEnum):
    """What an event says happened to a user's place in the account."""

    CREATED = "created"
    LEFT = "left"
    JOINED = "joined"
    DELETED = "deleted"
    RENAMED = "renamed"


CHANGES = {
    "CreateUser": Change.CREATED,
    "RemoveUserFromGroup": Change.LEFT,
    "AddUserToGroup": Change.JOINED,
    "DeleteUser": Change.DELETED,
    "UpdateUser": Change.RENAMED,
}
"""Every call that is listened for, and what it does to a user. All else follows from it."""

_BEGINNINGS = (Change.CREATED, Change.LEFT)
LOST_EVENTS = tuple(name for name, change in CHANGES.items() if change in _BEGINNINGS)
SETTLED_EVENTS = tuple(name for name, change in CHANGES.items() if change not in _BEGINNINGS)

# IAM accepts 64 characters on create; users made before that limit have up to 128.
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_User.html
_USER_NAME = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_LONGEST_TEXT = 512
_SAME_NAME = "the user keeps its name"  # a new path, or the same name in another case
_BEFORE_IAM = datetime(2010, 1, 1, tzinfo=UTC)


def rule_pattern(event_names: tuple[str, ...]) -> dict[str, Any]:
    """The EventBridge pattern for successful IAM calls of these names.

    Only AWS can put an event whose source begins with `aws.`: without it anyone could forge one.
    """
    return {
        "source": ["aws.iam"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": ["iam.amazonaws.com"],
            "eventName": list(event_names),
            "errorCode": [{"exists": False}],
        },
    }


class MalformedEventError(Exception):
    """An event that is ours but cannot be read; it belongs in the dead-letter queue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The IAM call behind a change, as the record tells it: text from others, to be escaped.

    What the record does not tell is empty.
    """

    event_name: str = ""
    event_id: str = ""
    event_time: datetime
    actor_arn: str = ""
    actor_type: str = ""
    source_ip: str = ""
    user_agent: str = ""
    group_name: str = ""

    @property
    def took_out(self) -> bool:
        """Whether the call took the user out of a group."""
        return CHANGES.get(self.event_name) is Change.LEFT


@dataclass(frozen=True, slots=True)
class MembershipEvent:
    """One successful IAM call that may make or unmake a stray.

    `user_id` is empty unless the record carries it (CreateUser only); `new_name` is set for a
    rename alone.
    """

    account: Account
    change: Change
    user_name: str
    user_id: str
    new_name: str
    cause: Cause


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that is none of Straywatch's business, and why."""

    reason: str


def parse_event(envelope: object, now: datetime) -> MembershipEvent | Ignored:
    """Read an EventBridge envelope around a CloudTrail record.

    Raises MalformedEventError for an envelope that is none, or for a successful IAM call of ours
    whose user, account or time cannot be read. Nothing else is raised, whatever the input.
    """
    if not isinstance(envelope, Mapping):
        raise MalformedEventError(f"the event is a {type(envelope).__name__}, not an object")
    record = envelope.get("detail")
    if not isinstance(record, Mapping):
        raise MalformedEventError("the event has no CloudTrail record under 'detail'")
    if envelope.get("source") != "aws.iam":
        return Ignored("the event's source is not aws.iam")
    sender = envelope.get("account")
    event = parse_record(record, now, account_id=sender)
    if isinstance(event, MembershipEvent) and sender not in (None, event.account.account_id):
        return Ignored("the record is of another account than the event")
    return event


def parse_record(
    record: Mapping[str, Any], now: datetime, *, account_id: object = None
) -> MembershipEvent | Ignored:
    """Read one CloudTrail record; raises MalformedEventError as `parse_event` does.

    `account_id` is whose it is where the record does not tell.
    """
    if record.get("eventSource") != "iam.amazonaws.com":
        return Ignored("another service's event")
    name = record.get("eventName")
    change = CHANGES.get(name) if isinstance(name, str) else None
    if change is None:
        return Ignored("an IAM call that moves nobody in or out of a group")
    if "errorCode" in record:
        return Ignored("the call failed")
    parameters = record.get("requestParameters")
    if not isinstance(parameters, Mapping):
        raise MalformedEventError(f"{name} succeeded but has no request parameters")
    new_name = ""
    if change is Change.RENAMED:
        if parameters.get("newUserName") is None:
            return Ignored(_SAME_NAME)
        new_name = _user_name(parameters, "newUserName")
    user_name = _user_name(parameters, "userName")
    if new_name.lower() == user_name.lower():
        return Ignored(_SAME_NAME)
    return MembershipEvent(
        account=_account(record, account_id),
        change=change,
        user_name=user_name,
        user_id=_created_user_id(record) if change is Change.CREATED else "",
        new_name=new_name,
        cause=_cause(record, parameters, now),
    )


def is_user_name(value: object) -> TypeGuard[str]:
    """Whether IAM could have given a user this name."""
    return isinstance(value, str) and _USER_NAME.fullmatch(value) is not None


def _user_name(parameters: Mapping[str, Any], key: str) -> str:
    name = parameters.get(key)
    if not is_user_name(name):
        raise MalformedEventError(f"{key} is not an IAM user name: {_shown(name)}")
    return name


def _created_user_id(record: Mapping[str, Any]) -> str:
    response = record.get("responseElements")
    user = response.get("user") if isinstance(response, Mapping) else None
    return _text(user, "userId", "")


def _account(record: Mapping[str, Any], sender: object) -> Account:
    """Whose users the call was about: never the caller's account, which may be another."""
    account_id = record.get("recipientAccountId")
    if account_id is None:  # records of eventVersion 1.0 name only the caller's account
        identity = record.get("userIdentity")
        callers = identity.get("accountId") if isinstance(identity, Mapping) else None
        account_id = sender if sender is not None else callers
    if not isinstance(account_id, str) or not ACCOUNT_ID.fullmatch(account_id):
        raise MalformedEventError(f"the record names no account: {_shown(account_id)}")
    return Account(partition_of_region(_text(record, "awsRegion", "")), account_id)


def _cause(record: Mapping[str, Any], parameters: Mapping[str, Any], now: datetime) -> Cause:
    identity = record.get("userIdentity")
    return Cause(
        event_name=_text(record, "eventName", ""),
        event_id=_text(record, "eventID", ""),
        event_time=_event_time(record, now),
        actor_arn=_actor_arn(identity),
        actor_type=_text(identity, "type", "Unknown"),
        source_ip=_text(record, "sourceIPAddress", ""),
        user_agent=_text(record, "userAgent", ""),
        group_name=_text(parameters, "groupName", ""),
    )


def _event_time(record: Mapping[str, Any], now: datetime) -> datetime:
    text = record.get("eventTime")
    try:
        instant = parse_time(text if isinstance(text, str) else "")
    except (ValueError, OverflowError) as error:
        raise MalformedEventError(f"eventTime is not a time: {_shown(text)}") from error
    return min(max(instant, _BEFORE_IAM), now)  # a clock ahead of ours must not stretch the grace


def _actor_arn(identity: object) -> str:
    """Name the caller by ARN or, where the record has none, by the best it does have."""
    for key in ("arn", "invokedBy", "userName", "principalId", "accountId"):
        found = _text(identity, key, "")
        if found:
            return found
    return ""


def _text(holder: object, key: str, default: str) -> str:
    value = holder.get(key) if isinstance(holder, Mapping) else None
    if not isinstance(value, str) or not value:
        return default
    return value[:_LONGEST_TEXT].encode("utf-8", "replace").decode()  # half a character has no code


def _shown(value: object) -> str:
    return repr(value)[:80]
