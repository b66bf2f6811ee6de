"""A batch from the check queue: one bad message never repeats the good ones beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.domain.check_requests import MalformedCheckError
from chalicelib.log import log

MOST_RECEIVES = 6
"""As the queue's redrive policy has it: at the last receive the reason goes along."""
RESERVE_SECONDS = 25.0
"""What one check needs in bad times: some twenty calls to IAM, each of them tried again.

No other is begun with less to go. Killed by Lambda, the checks that are done would come again, and
what was tried would be told nowhere."""


SetAside = Callable[[str, str], object]
"""Moves a message that no repeat can help to the dead-letter queue, with the reason."""


class OutOfTimeError(Exception):
    """The batch has no time left for another check; it comes again."""


def process(
    event: Mapping[str, Any],
    check: Callable[[str], object],
    set_aside: SetAside,
    time_left: Callable[[], float],
    tell_failed: Callable[[int], object],
) -> dict[str, Any]:
    """Handle each record; return the partial batch response that names those to come again.

    For Lambda such a response is a success, whatever it names: `tell_failed` is told how many were
    tried in vain or not at all. `time_left` is in seconds; the first record is tried in any case.
    """
    # who has been left to the end before goes first
    records = sorted(event["Records"], key=_receives, reverse=True)
    failed: list[str] = []
    for place, record in enumerate(records):
        late = place > 0 and time_left() < RESERVE_SECONDS
        if not _done(record, _out_of_time if late else check, set_aside):
            failed.append(record["messageId"])
    if failed:
        tell_failed(len(failed))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _receives(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _out_of_time(_: str) -> None:
    raise OutOfTimeError("those before it took all the time")


def _done(record: Mapping[str, Any], check: Callable[[str], object], set_aside: SetAside) -> bool:
    receives = _receives(record)
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
