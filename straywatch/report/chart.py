"""Compliance over a period as an inline SVG: drawn the same way for the same sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.times import parse_time

WIDTH = 900
HEIGHT = 180
_FLOORS = (95, 90, 80, 50)


@dataclass(frozen=True, slots=True)
class Chart:
    """Paths and labels of the picture; a line for each stretch without a gap."""

    lines: tuple[str, ...]
    floor: int
    dates: tuple[tuple[float, str], ...]
    gaps: tuple[tuple[float, float], ...]
    width: int = WIDTH
    height: int = HEIGHT


def chart(data: Mapping[str, Any]) -> Chart:
    """Draw a report's compliance; gaps in coverage are left empty and shaded."""
    begin, end = parse_time(data["period"]["from"]), parse_time(data["period"]["until"])
    span = (end - begin).total_seconds()

    def x(at: datetime) -> float:
        return round(WIDTH * min(1.0, max(0.0, (at - begin).total_seconds() / span)), 1)

    reach = parse_time(data["coverage"]["complete_until"])
    bounds = [(parse_time(g["begin"]), g["end"]) for g in data["coverage"]["gaps"]]
    gaps = tuple((x(a), x(parse_time(b) if b else end)) for a, b in bounds)
    starts = {a for a, _ in bounds}
    points = [
        (parse_time(sweep["started_at"]), sweep["compliance_percent"])
        for sweep in data["compliance"]
        if sweep["compliance_percent"] is not None
    ]
    floor = _floor([percent for _, percent in points])
    lines = []
    for stretch, until in _stretches(points, starts, reach):
        steps = [f"{'H' if n else 'M'}{x(at)}{'V' if n else ' '}{_y(percent, floor)}"
                 for n, (at, percent) in enumerate(stretch)]  # fmt: skip
        lines.append("".join(steps) + f"H{max(x(until), x(stretch[-1][0]) + 1)}")
    return Chart(tuple(lines), floor, _dates(begin, end, x(begin), x(end)), gaps)


def _floor(percents: Sequence[float]) -> int:
    """The lowest level shown: the greatest round one with room below the lowest point."""
    least = min(percents, default=100.0)
    return next((floor for floor in _FLOORS if least >= floor + (100 - floor) / 10), 0)


def _y(percent: float, floor: int) -> float:
    return round(HEIGHT * (100 - percent) / (100 - floor), 1)


def _stretches(
    points: Sequence[tuple[datetime, float]], gap_starts: set[datetime], reach: datetime
) -> list[tuple[list[tuple[datetime, float]], datetime]]:
    """Points between gaps, each stretch with the instant to which it holds."""
    found: list[tuple[list[tuple[datetime, float]], datetime]] = []
    stretch: list[tuple[datetime, float]] = []
    for point in points:
        stretch.append(point)
        if point[0] in gap_starts:
            found.append((stretch, point[0]))
            stretch = []
    if stretch:
        found.append((stretch, max(reach, stretch[-1][0])))
    return found


def _dates(
    begin: datetime, end: datetime, first: float, last: float
) -> tuple[tuple[float, str], ...]:
    middle = begin + (end - begin) / 2
    return tuple(
        (at, f"{instant:%Y-%m-%d}")
        for at, instant in ((first, begin), ((first + last) / 2, middle), (last, end))
    )
