"""What a report says, as a JSON object computed from what was read; nothing depends on the clock.

Times are ISO 8601 in UTC, durations are seconds, lists are sorted: the same records give the same
object.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.exemptions import Rule
from chalicelib.domain.findings import Finding, Status
from chalicelib.messages.body import finding_body
from chalicelib.messages.endings import in_full
from chalicelib.times import exact, iso
from straywatch.audit.formats.controls import REQUIREMENTS
from straywatch.findings.life import life
from straywatch.observing.deployment import Observed
from straywatch.observing.figures import (
    GAP,
    Gap,
    NoDurations,
    compliance,
    detect_seconds,
    gaps,
    resolve_seconds,
    spread,
)
from straywatch.observing.records import Census, DrillRecord, SweepRecord, Unread
from straywatch.report.period import Period

SCHEMA = "straywatch.report/1"
_PLAIN = re.compile(r"\d{1,7}|[A-Za-z]{1,20}|rate\([^()]*\)|cron\([^()]*\)", re.ASCII)

DEFINITIONS = {
    "compliance_percent": "100 * compliant / (users - exempt) of one whole sweep",
    "detect_seconds": "opened_at - stray_since - GracePeriodSeconds, not below 0",
    "resolve_seconds": "resolved_at - opened_at; null while open",
    "gap": f"more than {GAP} sweep intervals from one whole sweep's start to the next one's",
    "coverage_percent": "100 * (the period, up to where its records reach, without gaps and without"
    " the time before monitoring began) / (the period up to there), rounded down",
    "findings": "every finding opened before the period's end and not resolved before its begin",
    "median": "the middle value, or the mean of the two middle values",
}

METHOD = (
    (
        "Straywatch reads IAM's own events as CloudTrail records them. When a user is created, or"
        " leaves a group, it waits for the grace period, looks at live IAM, and opens a finding if"
        " the user still exists, is in no group and is not exempt."
    ),
    (
        "At the sweep rate it also reads every user of the account, with its groups, from"
        " GetAccountAuthorizationDetails, and evaluates each: compliant (in a group), exempt, or"
        " stray. A sweep that could not read every page is not recorded as a sweep."
    ),
    (
        "Findings and whole sweeps are kept in a DynamoDB table with point-in-time recovery. This"
        " report is computed from that table; nothing in it was typed by hand."
    ),
    "A call that failed is never taken for an answer: what could not be read is listed as such.",
)

CONTROLS = {
    "164.308(a)(3)(i)": "Workforce security",
    "164.308(a)(3)(ii)(B)": "Workforce clearance procedure",
    "164.308(a)(4)(i)": "Information access management",
    "164.308(a)(4)(ii)(B)": "Access authorization",
    "164.308(a)(4)(ii)(C)": "Access establishment and modification",
    "164.312(a)(1)": "Access control",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """All that a report is made of. `now` only tells whether the period is over.

    `rules` are in force; `refused` names the faults of a newer document that is not.
    `first_sweep_at` is when the first whole sweep of all began, in the period or before.
    """

    findings: Sequence[Finding]
    unreadable: Sequence[str]
    sweeps: Sequence[SweepRecord]
    drills: Sequence[DrillRecord]
    census: Census | Unread
    rules: Sequence[Rule] | Unread
    now: datetime
    refused: Sequence[str] = ()
    first_sweep_at: datetime | None = None


def evidence(records: Records, observed: Observed, period: Period, version: str) -> dict[str, Any]:
    """The report of a period, without its digest."""
    found = [finding for finding in records.findings if _concerns(finding, period)]
    reach = _reach(records, period)
    return {
        "schema": SCHEMA,
        "period": {"from": iso(period.begin), "until": iso(period.end)},
        "scope": _scope(observed),
        "method": list(METHOD),
        "coverage": _coverage(records, observed, period, reach),
        "compliance": [_sweep(sweep) for sweep in records.sweeps],
        "drills": [_drill(drill) for drill in records.drills],
        "figures": _figures(found, observed, period),
        "findings": [_finding(finding, observed, period) for finding in found],
        "unreadable": sorted(records.unreadable),
        "exemptions": _exemptions(records),
        "controls": [
            {"paragraph": paragraph, "title": CONTROLS[paragraph.removeprefix("45 CFR ")]}
            for paragraph in REQUIREMENTS
        ],
        "definitions": DEFINITIONS,
        "produced": {
            "by": f"straywatch {version}",
            "command": f"straywatch report --from {period.from_text} --to {period.to_text}",
            "table": observed.findings_table,
        },
    }


def monitored_from(records: Records) -> datetime | None:
    """From when on the records prove that somebody watched: their first; None without any."""
    told = [finding.opened_at for finding in records.findings]
    told += [sweep.started_at for sweep in records.sweeps]
    told += [records.first_sweep_at] if records.first_sweep_at else []
    return min(told, default=None)


def _concerns(finding: Finding, period: Period) -> bool:
    if finding.opened_at >= period.end:
        return False
    return finding.resolved_at is None or finding.resolved_at >= period.begin


def _scope(observed: Observed) -> Mapping[str, Any]:
    return {
        "account_id": observed.account.account_id,
        "partition": observed.account.partition,
        "region": observed.region,
        "stack": observed.stack,
        "grace_seconds": int(observed.grace.total_seconds()),
        "settings": {name: _setting(value) for name, value in sorted(observed.parameters.items())},
    }


def _setting(value: str) -> str:
    """A number, a rate or a word, as it is; of an address, a name or a secret only that it is set.

    A report is handed on: telephone numbers, mail addresses and ARNs are none of its readers'.
    """
    return value if not value or _PLAIN.fullmatch(value) else "set; not shown here"


def _reach(records: Records, period: Period) -> datetime:
    """How far the records tell of the period: to its end, or to the newest of them before it.

    The newest record, and not the clock, bounds a period that is not over, so that the report does
    not change from one minute to the next.
    """
    if records.now >= period.end:
        return period.end
    told = [sweep.finished_at for sweep in records.sweeps]
    told += [f.resolved_at or f.opened_at for f in records.findings]
    return max([period.begin, *(at for at in told if at < period.end)])


def _coverage(
    records: Records, observed: Observed, period: Period, reach: datetime
) -> Mapping[str, Any]:
    """What was watched, and what was not: before monitoring began, in gaps, and what is to come."""
    sweeps, now, every = records.sweeps, records.now, observed.sweep_every
    began = monitored_from(records)
    begin = min(max(period.begin, began or reach), reach)
    between = gaps(sweeps, begin, reach, every)
    dark = (begin - period.begin) + sum((gap.end - gap.begin for gap in between), timedelta())
    found: list[Mapping[str, Any]] = [_gap(gap) for gap in between]
    last = max([begin, *(sweep.started_at for sweep in sweeps)])
    goes_on = now < period.end and now - last > GAP * every
    if goes_on:
        found = [gap for gap in found if gap["begin"] != exact(last)]
        found.append({"begin": exact(last), "end": None, "seconds": None})
    return {
        "monitored_from": iso(began) if began else None,
        "unwatched_before": iso(begin) if begin > period.begin else None,
        "percent": _percent(reach - period.begin - dark, reach - period.begin),
        "sweeps": len(sweeps),
        "sweep_rate": observed.sweep_rate,
        "interval_seconds": int(every.total_seconds()),
        "complete_until": iso(reach),
        "period_is_over": now >= period.end,
        "gaps": found,
        "missed_events": sum(sweep.missed_events for sweep in sweeps),
    }


def _percent(part: timedelta, whole: timedelta) -> float | None:
    """A share in per cent, rounded down to the hundredth; None of nothing."""
    return math.floor(10_000 * (part / whole)) / 100 if whole else None


def _gap(gap: Gap) -> Mapping[str, Any]:
    seconds = (gap.end - gap.begin).total_seconds()
    return {"begin": exact(gap.begin), "end": exact(gap.end), "seconds": seconds}


def _sweep(sweep: SweepRecord) -> Mapping[str, Any]:
    percent = compliance(sweep)
    return {
        "started_at": exact(sweep.started_at),
        "finished_at": exact(sweep.finished_at),
        "users": sweep.users,
        "compliant": sweep.compliant,
        "exempt": sweep.exempt,
        "strays": sweep.strays,
        "missed_events": sweep.missed_events,
        "compliance_percent": None if percent is None else round(percent, 4),
    }


def _drill(drill: DrillRecord) -> Mapping[str, Any]:
    return {
        "started_at": exact(drill.started_at),
        "finished_at": exact(drill.finished_at),
        "by": drill.by,
        "user_name": drill.user_name,
        "user_id": drill.user_id,
        "proven": drill.proven,
        "legs": [
            {"name": leg.name, "seconds": leg.seconds, "broken": leg.why or None}
            for leg in drill.legs
        ],
    }


def _figures(found: Sequence[Finding], observed: Observed, period: Period) -> Mapping[str, Any]:
    within = [f for f in found if f.opened_at >= period.begin]
    over = [f for f in found if not _is_open_at(f, period.end)]
    seconds = (resolve_seconds(finding) for finding in over)
    detect = (detect_seconds(finding, observed.grace) for finding in within)
    return {
        "opened_in_period": len(within),
        "resolved_in_period": len(over),
        "open_at_end_of_period": len(found) - len(over),
        "found_by_sweep": sum(finding.detected_by == "sweep" for finding in within),
        "detect_seconds": _spread(detect),
        "resolve_seconds": _spread(s for s in seconds if s is not None),
    }


def _is_open_at(finding: Finding, end: datetime) -> bool:
    return finding.resolved_at is None or finding.resolved_at >= end


def _spread(seconds: Iterable[float]) -> Mapping[str, Any]:
    found = spread(seconds)
    if isinstance(found, NoDurations):
        return {"count": 0, "median": None, "longest": None}
    return {"count": found.count, "median": found.median, "longest": found.longest}


def _finding(finding: Finding, observed: Observed, period: Period) -> Mapping[str, Any]:
    """As alerts show it, with exact times, its cause and its life."""
    body = finding_body(finding)
    resolved_at = finding.resolved_at
    return body | {
        "stray_since": exact(finding.stray_since),
        "opened_at": exact(finding.opened_at),
        "resolved_at": exact(resolved_at) if resolved_at else None,
        "escalated_at": exact(finding.escalated_at) if finding.escalated_at else None,
        "is_open": finding.status is Status.OPEN,
        "open_at_end_of_period": _is_open_at(finding, period.end),
        "ended": in_full(finding.resolution) if finding.resolution else None,
        "detect_seconds": detect_seconds(finding, observed.grace),
        "resolve_seconds": resolve_seconds(finding),
        "life": [{"at": exact(each.at), "said": each.text} for each in life(finding)],
    }


def _exemptions(records: Records) -> Mapping[str, Any]:
    """Who may be a stray now: the document's rules, and each user whom a rule or a tag exempts."""
    rules, census = records.rules, records.census
    newest = [sweep.finished_at for sweep in records.sweeps]
    newest += [f.resolved_at or f.opened_at for f in records.findings]
    return {
        "as_of": "the reading of the account for this report",
        "newest_record_then": exact(max(newest)) if newest else None,
        "document_unread": rules.reason if isinstance(rules, Unread) else None,
        "document_refused": list(records.refused),
        "users_unread": census.reason if isinstance(census, Unread) else None,
        "document": []
        if isinstance(rules, Unread)
        else [
            {
                "by": rule.by,
                "reason": rule.reason,
                "owner": rule.owner or None,
                "until": iso(rule.until) if rule.until else None,
            }
            for rule in rules
        ],
        "users": []
        if isinstance(census, Unread)
        else [
            {
                "user_name": each.user.name,
                "user_id": each.user.user_id,
                "by": each.by.by,
                "reason": each.by.reason,
                "until": iso(each.by.until) if each.by.until else None,
                "groups": len(each.user.groups or ()),
            }
            for each in census.exempt
        ],
    }
