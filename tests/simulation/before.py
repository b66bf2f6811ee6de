"""What the version before this one left behind: its marks of names and its messages in the queue.

Their form is that of `tests/unit/recorded.json`. An upgrade finds both, and owes the promises to
the users whom they are about.
"""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.iam import ACCOUNT_ID
from tests.simulation.kernel import DAY, SECOND, instant
from tests.simulation.plan import Act, Do

_KEPT = 2 * DAY
_ACCOUNT = {"M": {"partition": {"S": "aws"}, "account_id": {"S": ACCOUNT_ID}}}


def check_message(
    name: str, since: int, *, cause: dict[str, str] | None = None, elsewhere: str = ""
) -> str:
    """A check of the user as the queue holds it, counted from `since`."""
    account_id, region = elsewhere.split() if elsewhere else (ACCOUNT_ID, "us-east-1")
    message = {
        "version": 1,
        "partition": {"cn-": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws"),
        "account_id": account_id,
        "user_name": name,
        "since": _exact(since),
        "origin": "event" if cause else "settled",
        "cause": cause,
        "due": None,
    }
    return json.dumps(message)


def mark_key(name: str) -> dict[str, Any]:
    """Where the mark of a name stands."""
    return {"pk": {"S": f"aws:{ACCOUNT_ID}"}, "sk": {"S": f"mark#{name.lower()}"}}


def marked(item: dict[str, Any], act: Act, cause: dict[str, str], user_id: str) -> dict[str, Any]:
    """The mark of a name once that version has taken in the event of an act."""
    at = cause["event_time"]
    item = {"user_name": {"S": act.name}} | item | mark_key(act.name) | {"account": _ACCOUNT}
    match act.do:
        case Do.CREATE | Do.REMOVE:
            item |= _moved(item, "lefts", at)
            if at > _text(item, "left_at"):
                created = {"created_id": {"S": user_id}} if act.do is Do.CREATE else {}
                item.pop("created_id", None)
                item |= {"left_at": {"S": at}, "cause": _as_item(cause)} | created
        case Do.ADD:
            item |= _moved(item, "joins", at)
            if at > _text(item, "joined_at"):
                news = {"joined_at": at, "joined_group": act.other, "settled_at": at}
                item |= {name: {"S": text} for name, text in news.items()}
        case _:
            item["deleted_at"] = {"S": max(at, _text(item, "deleted_at"))}
    version = int(item.get("version", {"N": "0"})["N"]) + 1
    return item | {"version": {"N": str(version)}}


def with_expiry(item: dict[str, Any], at: int) -> dict[str, Any]:
    """The mark with the time from which DynamoDB may delete it."""
    return item | {"expires_at": {"N": str(int(instant(at + _KEPT).timestamp()))}}


def cause_of(detail: dict[str, Any], told_at: int) -> dict[str, str]:
    """The call behind an event as that version kept it."""
    parameters = detail["requestParameters"]
    return {
        "event_name": detail["eventName"],
        "event_id": detail["eventID"],
        "event_time": _exact(told_at),
        "actor_arn": detail["userIdentity"]["arn"],
        "actor_type": detail["userIdentity"]["type"],
        "source_ip": detail["sourceIPAddress"],
        "user_agent": detail["userAgent"],
        "group_name": parameters.get("groupName", ""),
    }


def delay_of(since: int, grace: int, now: int) -> int:
    """How long that version had SQS hold a check back, in milliseconds."""
    return max(0, min(900 * SECOND, since + grace - now))


def _moved(item: dict[str, Any], name: str, at: str) -> dict[str, Any]:
    times = {part["S"] for part in item.get(name, {"L": []})["L"]}
    return {name: {"L": [{"S": text} for text in sorted({*times, at})]}}


def _text(item: dict[str, Any], name: str) -> str:
    text: str = item.get(name, {"S": ""})["S"]
    return text


def _as_item(cause: dict[str, str]) -> dict[str, Any]:
    return {"M": {name: {"S": text} for name, text in cause.items() if text}}


def _exact(at: int) -> str:
    return instant(at).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
