"""What the page shows, computed from a reading: a plain JSON object. Times are epoch milliseconds.

Nothing here depends on the present time, so that an unchanged account gives an unchanged view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Status
from chalicelib.messages.actors import actor, deed, place
from chalicelib.messages.endings import in_full
from chalicelib.messages.remedies import cloudtrail_url, console_url, ways_out
from chalicelib.text import counted
from straywatch.findings.life import life
from straywatch.observing.deployment import Observed
from straywatch.observing.figures import (
    GAP,
    NoDurations,
    Spread,
    compliance,
    detect_seconds,
    resolve_seconds,
    rounded_down,
    spread,
)
from straywatch.observing.graces import Grace, running_graces
from straywatch.observing.health import ailment, complaints, health, worst
from straywatch.observing.records import Reading, SweepRecord
from straywatch.observing.standing import Standing, headline, standing
from straywatch.observing.timeline import timeline
from straywatch.text import visible

_MOST_HAPPENINGS = 200
_MOST_RESOLVED = 500
_MOST_POINTS = 300


def view(reading: Reading, observed: Observed) -> dict[str, Any]:
    """All that the page needs but the details of a finding, which `finding_details` gives."""
    graces = running_graces(reading, observed.grace)
    signs = health(reading, observed)
    happened = timeline(reading, observed.account)
    return {
        "deployment": {
            "stack": observed.stack,
            "account_id": observed.account.account_id,
            "region": observed.region,
            "grace_seconds": int(observed.grace.total_seconds()),
            "sweep_seconds": int(observed.sweep_every.total_seconds()),
            "created": _ms(observed.created_at),
        },
        "standing": _standing(standing(reading, observed.grace)),
        "graces": [_grace(grace, observed.account) for grace in graces],
        "findings": _findings(reading),
        "resolved": sum(f.status is not Status.OPEN for f in reading.findings),
        "timeline": [
            {
                "at": _ms(each.at),
                "kind": each.kind,
                "user": visible(each.user_name),
                "text": visible(each.text),
                "finding": each.finding_id,
            }
            for each in happened[:_MOST_HAPPENINGS]
        ],
        "happened": len(happened),
        "compliance": _history(reading.sweeps, observed.sweep_every),
        "times": _times(reading, observed.grace),
        "health": {
            "level": worst(signs),
            "ailment": ailment(signs),
            "complaints": visible(complaints(signs)),
            "last_sweep": _ms(reading.sweeps[-1].finished_at) if reading.sweeps else None,
            "signs": [{"name": s.name, "level": s.level, "text": visible(s.text)} for s in signs],
        },
    }


def finding_details(finding: Finding) -> dict[str, Any]:
    """One finding's whole life, and the two ways that end it where it is open."""
    partition = finding.account.partition
    ways = ways_out(finding) if finding.status is Status.OPEN else ()
    return {
        **_row(finding),
        "facts": [[name, visible(text)] for name, text in _facts(finding) if text],
        "life": [
            {"at": _ms(each.at), "kind": each.kind, "text": visible(each.text)}
            for each in life(finding)
        ],
        "ways": [[purpose.removesuffix(":"), list(commands)] for purpose, commands in ways],
        "links": [
            [text, url]
            for text, url in (
                ("User in the IAM console", console_url(partition, finding.user_name)),
                (
                    "Events in CloudTrail",
                    cloudtrail_url(partition, finding.cause, finding.user_name),
                ),
            )
            if url
        ],
        "ids": [
            ["User id", finding.user_id],
            ["ARN", visible(finding.user_arn)],
            ["Finding", finding.finding_id],
        ],
    }


def _facts(finding: Finding) -> Sequence[tuple[str, str]]:
    cause = finding.cause
    return (
        ("Not readable", ", ".join(finding.unread)),
        ("Done by", f"{actor(cause, finding.account)}: {deed(cause)}" if cause else ""),
        ("From", place(cause) if cause else ""),
        ("Found by", "sweep" if finding.detected_by == "sweep" else "event"),
        (
            "Unsteady",
            f"left and joined {counted(finding.flaps, 'time')} in a day" if finding.flaps else "",
        ),
    )


def _ms(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _standing(stands: Standing) -> Mapping[str, Any]:
    percent = stands.percent
    return {
        "headline": headline(stands),
        "users": stands.users,
        "compliant": stands.compliant,
        "exempt": stands.exempt,
        "grace": stands.in_grace,
        "waiting": stands.waiting,
        "open": stands.overdue,
        "counted_at": _ms(stands.counted_at) if stands.counted_at else None,
        "note": visible(stands.note),
        "percent": None if percent is None else rounded_down(percent),
    }


def _grace(grace: Grace, account: Account) -> Mapping[str, Any]:
    cause = grace.cause
    return {
        "user": visible(grace.user_name),
        "since": _ms(grace.since),
        "due": _ms(grace.due),
        "why": visible(
            f"{deed(cause)} by {actor(cause, account)}" if cause else "found by a sweep"
        ),
    }


def _findings(reading: Reading) -> Sequence[Mapping[str, Any]]:
    """Every open one, and the newest that are resolved."""
    resolved = [f for f in reading.findings if f.resolved_at is not None]
    resolved.sort(key=lambda f: f.resolved_at or f.opened_at, reverse=True)
    still_open = [f for f in reading.findings if f.status is Status.OPEN]
    return [_row(finding) for finding in (*still_open, *resolved[:_MOST_RESOLVED])]


def _row(finding: Finding) -> Mapping[str, Any]:
    resolution = finding.resolution
    return {
        "id": finding.finding_id,
        "user": visible(finding.user_name),
        "status": finding.status,
        "severity": finding.severity.name,
        "rank": int(finding.severity),
        "risk": visible(finding.risk),
        "since": _ms(finding.stray_since),
        "opened": _ms(finding.opened_at),
        "resolved": _ms(finding.resolved_at) if finding.resolved_at else None,
        "because": visible(in_full(resolution)) if resolution else "",
    }


def _history(sweeps: Sequence[SweepRecord], every: timedelta) -> Sequence[Mapping[str, Any]]:
    """Points of compliance over time, thinned evenly; `gap` marks one that follows a gap."""
    step = max(1, -(-len(sweeps) // _MOST_POINTS))
    chosen = [sweep for n, sweep in enumerate(sweeps) if (len(sweeps) - 1 - n) % step == 0]
    points: list[Mapping[str, Any]] = []
    before: SweepRecord | None = None
    for sweep in chosen:
        percent = compliance(sweep)
        if percent is None:
            continue
        gap = before is not None and sweep.started_at - before.started_at > GAP * step * every
        points.append({"at": _ms(sweep.started_at), "percent": rounded_down(percent), "gap": gap})
        before = sweep
    return points


def _times(reading: Reading, grace: timedelta) -> Mapping[str, Any]:
    by_event = [f for f in reading.findings if f.detected_by != "sweep"]
    seconds = [resolve_seconds(finding) for finding in reading.findings]
    return {
        "detect": _spread(spread(detect_seconds(finding, grace) for finding in by_event)),
        "resolve": _spread(spread(s for s in seconds if s is not None)),
        "by_sweep": len(reading.findings) - len(by_event),
    }


def _spread(found: Spread | NoDurations) -> Mapping[str, Any]:
    if isinstance(found, NoDurations):
        return {"count": 0}
    return {"count": found.count, "median": found.median, "longest": found.longest}
