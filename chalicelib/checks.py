"""The message on the check queue: whom to look at, and since when they may be a stray."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.account import Account
from chalicelib.events import Cause
from chalicelib.times import iso, parse_time

MESSAGE_VERSION = 1
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
LONGEST_DELAY_SECONDS = 900


class MalformedCheckError(Exception):
    """A message on the check queue that cannot be read; trying again cannot help."""


class Origin(StrEnum):
    """What asked for the check."""

    EVENT = "event"
    SWEEP = "sweep"
    SETTLED = "settled"
    """A user may have ceased to be a stray: there is nothing to wait for."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """Look at this user once its grace period, counted from `since`, is over."""

    account: Account
    user_name: str
    since: datetime
    origin: Origin
    cause: Cause | None = None


def encode_check(request: CheckRequest) -> str:
    """Write the message; `decode_check` reads it back."""
    cause = (
        asdict(request.cause) | {"event_time": iso(request.cause.event_time)}
        if request.cause
        else None
    )
    return json.dumps(
        {
            "version": MESSAGE_VERSION,
            "partition": request.account.partition,
            "account_id": request.account.account_id,
            "user_name": request.user_name,
            "since": request.since.isoformat(),
            "origin": request.origin,
            "cause": cause,
        }
    )


def decode_check(body: str) -> CheckRequest:
    """Read a message of this version. Raises MalformedCheckError, and nothing else."""
    try:
        fields = json.loads(body)
        if fields["version"] != MESSAGE_VERSION:
            raise MalformedCheckError(f"check message of version {fields['version']!r}")
        cause = fields["cause"]
        if not isinstance(fields["user_name"], str) or not fields["user_name"]:
            raise MalformedCheckError("check message without a user name")
        return CheckRequest(
            account=Account(str(fields["partition"]), str(fields["account_id"])),
            user_name=fields["user_name"],
            since=parse_time(fields["since"]),
            origin=Origin(fields["origin"]),
            cause=cause and Cause(**cause | {"event_time": parse_time(cause["event_time"])}),
        )
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise MalformedCheckError(f"not a check message: {error!r}"[:300]) from error


def delay_seconds(due: datetime, now: datetime) -> int:
    """How long SQS is to hold the message back: what is left of the wait, as far as SQS allows."""
    return max(0, min(LONGEST_DELAY_SECONDS, math.ceil((due - now).total_seconds())))
