"""Numbers as a report writes them."""

from __future__ import annotations

import math


def percent(value: float | None) -> str:
    """A percentage with one decimal, rounded down: what lacks a part is never told as `100 %`."""
    if value is None:
        return "not known"
    tenths = math.floor(round(10 * value, 6))
    return f"{tenths // 10} %" if tenths in (0, 1000) else f"{tenths / 10:.1f} %"


def number(value: float) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"
