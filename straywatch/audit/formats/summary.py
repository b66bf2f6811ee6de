"""The audit in a few sentences."""

from __future__ import annotations

from collections import Counter

from chalicelib.domain.severity import Severity
from chalicelib.times import in_utc
from straywatch.audit.formats.times import age
from straywatch.audit.report import Report
from straywatch.text import visible


def sentences(report: Report) -> list[str]:
    """What was found, how old the credentials' data is, and, first of all, what is missing."""
    return [*(f"INCOMPLETE: {visible(gap)}." for gap in report.missing), *found(report)]


def headline(report: Report) -> str:
    """What it comes to, in a line."""
    strays = report.counts()["strays"]
    if strays:
        return f"{_plural(strays, 'user')} in no group"
    return "No user is in no group" if report.complete else "Not everything could be read"


def found(report: Report) -> list[str]:
    """What was found, and how old the credentials' data is."""
    lines = [_found(report)]
    lines += [
        f"Credentials in account {each.name} as of {in_utc(each.credentials_as_of)}, "
        f"{age(each.credentials_as_of, report.generated_at)} before this audit."
        for each in report.accounts
        if each.credentials_as_of
    ]
    return lines


def _found(report: Report) -> str:
    counts, accounts = report.counts(), len(report.accounts)
    read = "" if report.complete else " among those that could be read"
    strays = f"{counts['strays']:,} strays" if counts["strays"] != 1 else "1 stray"
    return (
        f"{_plural(counts['users'], 'user')} in {_plural(accounts, 'account')}: "
        f"{strays}{_by_severity(report)}{read}, "
        f"{counts['exempt']:,} exempt, {counts['in_groups']:,} in groups."
    )


def by_severity(report: Report) -> list[tuple[Severity, int]]:
    """How many strays there are of each severity, the worst first."""
    counts = Counter(user.risk.severity for user in report.strays if user.risk)
    return [(each, counts[each]) for each in reversed(Severity) if counts[each]]


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _by_severity(report: Report) -> str:
    parts = [f"{count:,} {each.name.lower()}" for each, count in by_severity(report)]
    return f" ({', '.join(parts)})" if parts else ""
