"""Figures that a reader may recompute from the findings table: compliance, detection, resolution.

Compliance of a sweep is compliant / (users - exempt). Time to detect is opened_at - stray_since -
grace period, never below zero. Time to resolve is resolved_at - opened_at.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import floor

from chalicelib.domain.findings import Finding
from straywatch.observing.records import SweepRecord

GAP = 2
"""So many sweep intervals between two whole sweeps are a gap in coverage."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How durations in seconds are spread: how many, the middle one, the longest."""

    count: int
    median: float
    longest: float


@dataclass(frozen=True, slots=True)
class NoDurations:
    """There was nothing to measure."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without a whole sweep, longer than `GAP` intervals."""

    begin: datetime
    end: datetime


def spread(seconds: Iterable[float]) -> Spread | NoDurations:
    """Count durations and find the middle and the longest; of two middle ones, their mean."""
    found = sorted(seconds)
    if not found:
        return NoDurations()
    half, odd = divmod(len(found), 2)
    median = found[half] if odd else (found[half - 1] + found[half]) / 2
    return Spread(len(found), median, found[-1])


def detect_seconds(finding: Finding, grace: timedelta) -> float:
    """How long after the end of its grace a stray was told of."""
    return max(0.0, (finding.opened_at - finding.stray_since - grace).total_seconds())


def resolve_seconds(finding: Finding) -> float | None:
    """How long a finding was open; None while it is."""
    if finding.resolved_at is None:
        return None
    return max(0.0, (finding.resolved_at - finding.opened_at).total_seconds())


def compliance(sweep: SweepRecord) -> float | None:
    """Percent of the users who must be in a group that are; None where no user must."""
    return share(sweep.compliant, sweep.users - sweep.exempt)


def share(part: int, whole: int) -> float | None:
    """So many of the whole in percent; None of nothing."""
    return 100 * part / whole if whole else None


def rounded_down(percent: float) -> float:
    """To one decimal; never up, so that 100.0 means all of them."""
    return floor(percent * 10) / 10


def gaps(
    sweeps: Iterable[SweepRecord], begin: datetime, end: datetime, every: timedelta
) -> tuple[Gap, ...]:
    """Where from `begin` to `end` no whole sweep began for longer than `GAP` intervals."""
    instants = [begin, *sorted(sweep.started_at for sweep in sweeps), end]
    return tuple(Gap(a, b) for a, b in pairwise(instants) if b - a > GAP * every)
