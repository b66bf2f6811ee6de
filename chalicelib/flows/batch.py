"""A batch from the check queue: one bad message never repeats the good ones beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.check_requests import MalformedCheckError
from chalicelib.log import log

MOST_RECEIVES = 6
"""As the queue's redrive policy has it: at the last receive the reason goes along."""


SetAside = Callable[[str, str], object]
"""Moves a message that no repeat can help to the dead-letter queue, with the reason."""


def process(
    event: Mapping[str, Any], check: Callable[[str], object], set_aside: SetAside
) -> dict[str, Any]:
    """Handle each record; return the partial batch response that names the failed ones."""
    failed = [r["messageId"] for r in event["Records"] if not _done(r, check, set_aside)]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _done(record: Mapping[str, Any], check: Callable[[str], object], set_aside: SetAside) -> bool:
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    try:
        check(record["body"])
    except MalformedCheckError as error:
        return _set_aside(record, str(error), set_aside)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not repeat the others
        log("check_failed", error=f"{type(error).__name__}: {error}", receives=receives)
        last = receives >= MOST_RECEIVES
        return last and _set_aside(record, f"{type(error).__name__}: {error}", set_aside)
    return True


def _set_aside(record: Mapping[str, Any], reason: str, set_aside: SetAside) -> bool:
    """Dead-letter the message with the reason; if even that fails, SQS does it without one."""
    try:
        set_aside(record["body"], reason)
    except Exception as error:  # noqa: BLE001 - the queue's own redrive policy takes over
        log("set_aside_failed", error=f"{type(error).__name__}: {error}")
        return False
    log("check_set_aside", reason=reason)
    return True
