"""The message on the check queue: whom to look at, and since when they may be a stray."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause, is_user_name
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
    """Look at this user once its grace period, counted from `since`, is over.

    `due` is when SQS hands the message over; a long grace takes several such steps.
    """

    account: Account
    user_name: str
    since: datetime
    origin: Origin
    cause: Cause | None = None
    due: datetime | None = None


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """Tell people of the account's findings that were too many to tell of one by one."""

    account: Account


def encode_check(request: CheckRequest | DigestRequest) -> str:
    """Write the message; `decode_check` reads it back."""
    frame = {
        "version": MESSAGE_VERSION,
        "partition": request.account.partition,
        "account_id": request.account.account_id,
    }
    if isinstance(request, DigestRequest):
        return json.dumps(frame | {"kind": "digest"})
    cause = (
        asdict(request.cause) | {"event_time": iso(request.cause.event_time)}
        if request.cause
        else None
    )
    return json.dumps(
        frame
        | {
            "user_name": request.user_name,
            "since": request.since.isoformat(),
            "origin": request.origin,
            "cause": cause,
            "due": request.due and request.due.isoformat(),
        }
    )


def decode_check(body: str) -> CheckRequest | DigestRequest:
    """Read a message of this version. Raises MalformedCheckError, and nothing else."""
    try:
        fields = json.loads(body)
        if fields["version"] != MESSAGE_VERSION:
            raise MalformedCheckError(f"check message of version {fields['version']!r}")
        account = Account(_text(fields["partition"]), _text(fields["account_id"]))
        if fields.get("kind") == "digest":
            return DigestRequest(account)
        if not is_user_name(fields["user_name"]):
            raise MalformedCheckError("check message without a user name")
        return CheckRequest(
            account=account,
            user_name=fields["user_name"],
            since=parse_time(fields["since"]),
            origin=Origin(fields["origin"]),
            cause=_cause(fields["cause"]),
            due=_due(fields.get("due")),
        )
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError) as error:
        raise MalformedCheckError(f"not a check message: {error!r}"[:300]) from error


def _cause(stored: object) -> Cause | None:
    if stored is None:
        return None
    if not isinstance(stored, dict):
        raise TypeError("the cause is not an object")
    texts: dict[str, Any] = {name: _text(value) for name, value in stored.items()}
    return Cause(**texts | {"event_time": parse_time(texts["event_time"])})


def _due(stored: object) -> datetime | None:
    return None if stored is None else parse_time(_text(stored))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.40} is not text")
    return value


def delay_seconds(due: datetime, now: datetime) -> int:
    """How long SQS is to hold the message back: what is left of the wait, as far as SQS allows."""
    return max(0, min(LONGEST_DELAY_SECONDS, math.ceil((due - now).total_seconds())))
