"""Lengths of time as people type them, `900`, `15m`, `2h`, `7d`."""

from __future__ import annotations

import re

from straywatch.errors import WrongUsageError

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


def duration_seconds(text: str, what: str = "duration") -> int:
    """Read `900`, `900s`, `15m`, `2h` or `7d`, in seconds.

    Raises WrongUsageError, which calls the value a `what`, for anything else.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not match:
        raise WrongUsageError(f"{text!r} is no {what}: give seconds, or 15m, 2h, 7d")
    return int(match[1]) * _SECONDS[match[2]]
