"""What a report comes to, in a headline and a few sentences: its first page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.severity import Severity
from chalicelib.text import counted
from chalicelib.times import in_utc, parse_time, spoken
from straywatch.report.numbers import percent


@dataclass(frozen=True, slots=True)
class Verdict:
    """The headline and the sentences below it; `is_fine` if nothing in them needs an answer."""

    headline: str
    sentences: tuple[str, ...]
    is_fine: bool


def verdict(data: Mapping[str, Any]) -> Verdict:
    """Sum a report up, from its own data."""
    coverage, figures = data["coverage"], data["figures"]
    still = figures["open_at_end_of_period"]
    watched = coverage["percent"] == 100 and not coverage["gaps"]  # noqa: PLR2004 - all of it
    if coverage["percent"] == 0 and not data["findings"]:
        headline = "Nobody watched: nothing is recorded of this period"
    elif still:
        headline = f"{counted(still, 'user')} still in no group at the end: {_worst(data)}"
    elif watched:
        headline = "No finding was left open"
    else:
        headline = "No finding was left open, but not all of the time was watched"
    sentences = (*_coverage(coverage), _compliance(data), _findings(figures))
    return Verdict(headline, sentences, is_fine=watched and not still and not data["unreadable"])


def by_severity(data: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """How many findings were open at the end of each severity, the worst first."""
    counts = Counter(f["severity"] for f in data["findings"] if f["open_at_end_of_period"])
    return tuple((s.name, counts[s.name]) for s in reversed(Severity) if counts[s.name])


def _worst(data: Mapping[str, Any]) -> str:
    return ", ".join(f"{count} {severity}" for severity, count in by_severity(data))


def _coverage(coverage: Mapping[str, Any]) -> Iterator[str]:
    if coverage["percent"] == 0:
        first = coverage["monitored_from"]
        told = f"the first is of {in_utc(parse_time(first))}" if first else "there is none at all"
        yield f"No record of the account reaches into the period: {told}."
        return
    reach = in_utc(parse_time(coverage["complete_until"]))
    of = "the period" if coverage["period_is_over"] else f"the time up to {reach}"
    told = f"The account was watched for {percent(coverage['percent'])} of {of}"
    gaps = coverage["gaps"]
    if gaps:
        length = spoken(sum(gap["seconds"] or 0 for gap in gaps))
        told += f", with {counted(len(gaps), 'gap')} of {length} in all"
        told += ", the last of which goes on" if gaps[-1]["end"] is None else ""
    elif coverage["percent"] == 100:  # noqa: PLR2004 - all of it
        told += ", without a gap"
    yield f"{told}."
    if coverage["unwatched_before"]:
        before = in_utc(parse_time(coverage["unwatched_before"]))
        yield f"Nobody watched before {before}: of that time nothing is known."
    if not coverage["period_is_over"]:
        yield "The period was not over when this report was made."


def _compliance(data: Mapping[str, Any]) -> str:
    if not data["compliance"]:
        return "How compliant the account was is not known: no whole sweep is recorded."
    last = data["compliance"][-1]
    obliged = last["users"] - last["exempt"]
    if not obliged:
        return "At the last whole sweep no user had to be in a group."
    share = percent(100 * last["compliant"] / obliged)
    exempt = f"; {last['exempt']:,} more are exempt" if last["exempt"] else ""
    at = in_utc(parse_time(last["started_at"]))
    return (
        f"At the last whole sweep, {at}, {share} of those who must be in a group were in one:"
        f" {last['compliant']:,} of {counted(obliged, 'user')}{exempt}."
    )


def _findings(figures: Mapping[str, Any]) -> str:
    opened = counted(figures["opened_in_period"], "finding")
    told = f"{opened} opened in the period, {figures['resolved_in_period']:,} ended in it"
    resolve = figures["resolve_seconds"]
    if resolve["count"]:
        median, longest = spoken(resolve["median"]), spoken(resolve["longest"])
        told += f"; from opening to end it took {median} in the median, {longest} at most"
    return f"{told}."
