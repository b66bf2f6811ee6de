"""Lengths of time as people write and read them: `900`, `15m`, `2h`, `7d`."""

from __future__ import annotations

import re

from straywatch.errors import WrongUsageError

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def duration_seconds(text: str, what: str = "duration") -> int:
    """Read `900`, `900s`, `15m`, `2h` or `7d`, in seconds.

    Raises WrongUsageError, which calls the value a `what`, for anything else.
    """
    match = re.fullmatch(r"([0-9]{1,9})([smhd]?)", text)
    if not match:
        raise WrongUsageError(f"{text!r} is no {what}: give seconds, or 15m, 2h, 7d")
    return int(match[1]) * _SECONDS[match[2]]


def spoken(seconds: float) -> str:
    """Return a length of time in its two greatest units: `3d 4h`, `15m`, `0s`."""
    left, parts = round(seconds), []
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
        if parts and (len(parts) == 2 or not count):  # noqa: PLR2004 - the second only if next
            break
    return " ".join(parts) or "0s"
