"""The audit in a few sentences."""

from __future__ import annotations

from collections import Counter

from chalicelib.domain.severity import Severity
from chalicelib.times import iso
from straywatch.audit.formats.times import age
from straywatch.audit.report import Report
from straywatch.text import visible


def sentences(report: Report) -> list[str]:
    """What was found, how old the credentials' data is, and, first of all, what is missing."""
    lines = [f"INCOMPLETE: {visible(gap)}." for gap in report.missing]
    lines.append(_found(report))
    lines += [
        f"Credentials in account {each.name} as of {iso(each.credentials_as_of)}, "
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


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _by_severity(report: Report) -> str:
    found = Counter(user.risk.severity for user in report.strays if user.risk)
    parts = [f"{found[each]:,} {each.name.lower()}" for each in reversed(Severity) if found[each]]
    return f" ({', '.join(parts)})" if parts else ""
