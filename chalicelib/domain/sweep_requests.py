"""The message on the sweep queue: which account to sweep, and since when it is asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from chalicelib.codec import decode, encode
from chalicelib.domain.account import Account
from chalicelib.domain.check_requests import MalformedCheckError

SWEEP_VERSION = 1
SWEEP_KIND = "sweep"


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """Look at all users of this account, unless that was done since it was asked for."""

    account: Account
    asked_at: datetime


def encode_sweep(request: SweepRequest) -> str:
    """Write the message; `decode_sweep` reads it back."""
    return json.dumps({"version": SWEEP_VERSION, "kind": SWEEP_KIND} | encode(request))


def decode_sweep(body: str) -> SweepRequest:
    """Read a message of this version. Raises MalformedCheckError, and nothing else."""
    try:
        message = json.loads(body)
        known = message["version"] == SWEEP_VERSION and message["kind"] == SWEEP_KIND
        if known:
            return decode(SweepRequest, message)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise MalformedCheckError(f"not a sweep message: {error}"[:300]) from error
    raise MalformedCheckError("not a sweep message: of another version or kind")
