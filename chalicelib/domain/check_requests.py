"""The message on the check queue: whom to look at, and since when they may be a stray."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.codec import DecodingError, decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.events import is_user_name

MESSAGE_VERSION = 1
_DIGEST = "digest"
_FINDING_ID = re.compile(r"[\w:-]{1,200}:\d{1,6}", re.ASCII)
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

    `due` is when SQS hands the message over; a long grace takes several such steps. `findings` are
    the ids of those that the look may be about, to be read in one call with what is known.
    """

    account: Account
    user_name: str
    since: datetime
    origin: Origin
    due: datetime | None = None
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DigestRequest:
    """Tell people of the account's findings that were too many to tell of one by one."""

    account: Account


def encode_check(request: CheckRequest | DigestRequest) -> str:
    """Write the message; `decode_check` reads it back."""
    plain = encode(request, whole=True)
    kind = {"kind": _DIGEST} if isinstance(request, DigestRequest) else {}
    return json.dumps({"version": MESSAGE_VERSION} | plain.pop("account") | kind | plain)


def decode_check(body: str) -> CheckRequest | DigestRequest:
    """Read a message of this version. Raises MalformedCheckError, and nothing else.

    What an earlier version wrote besides, such as a cause, is passed over: the mark has it.
    """
    try:
        message = _message(body)
        if message.get("kind") == _DIGEST:
            return decode(DigestRequest, message)
        request = decode(CheckRequest, message)
    except (ValueError, RecursionError) as error:
        raise MalformedCheckError(f"not a check message: {error}"[:300]) from error
    if not is_user_name(request.user_name):
        raise MalformedCheckError("not a check message: user_name is no IAM user's name")
    if not all(map(_FINDING_ID.fullmatch, request.findings)):
        raise MalformedCheckError("not a check message: findings holds what is no finding's id")
    return request


def _message(body: str) -> dict[str, Any]:
    """The message as an object of this version, with the account put together."""
    message = json.loads(body)
    if not isinstance(message, dict):
        raise DecodingError(f"is {type(message).__name__}, not an object")
    if "version" not in message:
        raise DecodingError("is missing", ("version",))
    if message["version"] != MESSAGE_VERSION:
        found = message["version"]
        is_newer = isinstance(found, int) and found > MESSAGE_VERSION
        advice = "; a newer release wrote it: deploy that one, then redrive" if is_newer else ""
        raise DecodingError(f"is {found!r:.20}, not {MESSAGE_VERSION}{advice}", ("version",))
    return message | {"account": message}


def delay_seconds(due: datetime, now: datetime) -> int:
    """How long SQS is to hold the message back: what is left of the wait, as far as SQS allows."""
    return max(0, min(LONGEST_DELAY_SECONDS, math.ceil((due - now).total_seconds())))
