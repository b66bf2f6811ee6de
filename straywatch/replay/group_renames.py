"""UpdateGroup, as far as it gives a group another name: a replay follows groups by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.events import Ignored, MembershipEvent, parse_record

_NO_USER = "-"


@dataclass(frozen=True, slots=True)
class GroupRename:
    """A group of an account got another name; its members stayed."""

    account: Account
    at: datetime
    old_name: str
    new_name: str


def parse_group_rename(record: Mapping[str, Any], now: datetime) -> GroupRename | Ignored:
    """Read a successful UpdateGroup that changes a name; anything else is ignored.

    Account and time are read as the monitor reads those of every event; raises MalformedEventError
    likewise.
    """
    parameters = record.get("requestParameters")
    is_ours = (
        record.get("eventSource") == "iam.amazonaws.com"
        and record.get("eventName") == "UpdateGroup"
        and "errorCode" not in record
    )
    if not is_ours or not isinstance(parameters, Mapping):
        return Ignored("no group got another name")
    old, new = parameters.get("groupName"), parameters.get("newGroupName")
    if not isinstance(old, str) or not isinstance(new, str):
        return Ignored("no group got another name")
    named = {**record, "eventName": "DeleteUser", "requestParameters": {"userName": _NO_USER}}
    event = parse_record(named, now)
    if not isinstance(event, MembershipEvent):
        return event
    return GroupRename(event.account, event.cause.event_time, _whole(old), _whole(new))


def _whole(name: str) -> str:
    """The name as events carry it: half a character has no code in UTF-8."""
    return name.encode("utf-8", "replace").decode()
