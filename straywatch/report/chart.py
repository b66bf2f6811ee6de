"""Compliance over a period as an inline SVG: drawn the same way for the same sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.times import in_utc, parse_time
from straywatch.report.numbers import percent

WIDTH = 900
HEIGHT = 180
_FLOORS = (96, 92, 80, 60)
"""Where the axis may begin, besides 0: so that four even steps lead to 100 %."""
_STEPS = 4
_MOST_SLOTS = 31
_DAYS_ENOUGH = timedelta(days=4)


@dataclass(frozen=True, slots=True)
class Slot:
    """A slice of the period to point at or to step to, and what its sweeps found, in words."""

    x: float
    width: float
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Paths and labels of the picture; a line for each stretch without a gap.

    `levels` and `dates` are the ticks, each at its place. `areas` are stretches without a line:
    what kind, from where to where. `last` is the end of the last line, and what it says.
    """

    lines: tuple[str, ...]
    floor: int
    levels: tuple[tuple[float, str], ...]
    dates: tuple[tuple[float, str], ...]
    areas: tuple[tuple[str, float, float], ...]
    slots: tuple[Slot, ...]
    last: tuple[float, float, str] | None
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of areas that there are, for the legend."""
        return tuple(dict.fromkeys(kind for kind, _, _ in self.areas))


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where an instant of the period stands."""

    begin: datetime
    end: datetime

    def x(self, at: datetime) -> float:
        """From 0 to `WIDTH`, also of what lies outside."""
        share = (at - self.begin) / (self.end - self.begin)
        return round(WIDTH * min(1.0, max(0.0, share)), 1)

    def at(self, share: float) -> datetime:
        """The instant at a share of the period."""
        return self.begin + (self.end - self.begin) * share


def chart(data: Mapping[str, Any]) -> Chart:
    """Draw a report's compliance; where nobody looked there is no line, but an area of its kind."""
    scale = _Scale(parse_time(data["period"]["from"]), parse_time(data["period"]["until"]))
    coverage = data["coverage"]
    reach = parse_time(coverage["complete_until"])
    points = [
        (parse_time(sweep["started_at"]), sweep["compliance_percent"])
        for sweep in data["compliance"]
        if sweep["compliance_percent"] is not None
    ]
    floor = _floor([value for _, value in points])
    lines, last = [], None
    starts = {parse_time(gap["begin"]) for gap in coverage["gaps"]}
    for stretch, until in _stretches(points, starts, reach):
        steps = [f"{'H' if n else 'M'}{scale.x(at)}{'V' if n else ' '}{_y(value, floor)}"
                 for n, (at, value) in enumerate(stretch)]  # fmt: skip
        at, value = stretch[-1]
        end = max(scale.x(until), scale.x(at) + 1)
        lines.append("".join(steps) + f"H{end}")
        last = (end, _y(value, floor), f"{percent(value)} at {in_utc(at)}")
    return Chart(
        tuple(lines),
        floor,
        tuple((_y(level, floor), f"{level} %") for level in _levels(floor)),
        tuple((scale.x(scale.at(n / _STEPS)), _date(scale, n / _STEPS)) for n in range(_STEPS + 1)),
        tuple(_areas(coverage, scale, reach)),
        tuple(_slots(points, scale)),
        last,
    )


def _floor(values: Sequence[float]) -> int:
    """The lowest level shown: the greatest with room below the lowest point."""
    least = min(values, default=100.0)
    return next((floor for floor in _FLOORS if least >= floor + (100 - floor) / 10), 0)


def _levels(floor: int) -> range:
    return range(floor, 101, (100 - floor) // _STEPS)


def _y(value: float, floor: int) -> float:
    return round(HEIGHT * (100 - value) / (100 - floor), 1)


def _date(scale: _Scale, share: float) -> str:
    is_long = scale.end - scale.begin >= _DAYS_ENOUGH
    return f"{scale.at(share):%Y-%m-%d}" if is_long else f"{scale.at(share):%m-%d %H:%M}"


def _areas(
    coverage: Mapping[str, Any], scale: _Scale, reach: datetime
) -> list[tuple[str, float, float]]:
    """Where nothing is known: before monitoring began, in gaps, and where the period goes on."""
    found = []
    if coverage["unwatched_before"]:
        found.append(("unwatched", 0.0, scale.x(parse_time(coverage["unwatched_before"]))))
    for gap in coverage["gaps"]:
        end = parse_time(gap["end"]) if gap["end"] else reach
        found.append(("gap", scale.x(parse_time(gap["begin"])), scale.x(end)))
    if not coverage["period_is_over"]:
        found.append(("ahead", scale.x(reach), float(WIDTH)))
    return [(kind, x, max(end - x, 1.0)) for kind, x, end in found]


def _slots(points: Sequence[tuple[datetime, float]], scale: _Scale) -> list[Slot]:
    """So few slices that one may step through them by keyboard, whole days if they are many."""
    days = (scale.end - scale.begin) / timedelta(days=1)
    count = min(_MOST_SLOTS, max(1, round(days if days >= _STEPS else days * 24)))
    width = WIDTH / count
    slots = []
    for n in range(count):
        begin, end = scale.at(n / count), scale.at((n + 1) / count)
        values = [value for at, value in points if begin <= at < end]
        said = f"{in_utc(begin)}: no whole sweep"
        if values:
            sweeps = f"{len(values)} sweep{'s' if len(values) > 1 else ''}"
            low = f"lowest {percent(min(values))}, last {percent(values[-1])}"
            said = f"from {in_utc(begin)}: {low}, {sweeps}"
        slots.append(Slot(round(n * width, 1), round(width, 1), said))
    return slots


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
