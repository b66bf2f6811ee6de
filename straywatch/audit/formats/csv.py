"""The report as CSV for spreadsheets, in which no cell can become a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from chalicelib.times import iso
from straywatch.audit.report import AuditedUser, Report
from straywatch.text import visible

COLUMNS = (
    "account_id",
    "user_name",
    "user_id",
    "user_arn",
    "status",
    "evaluation",
    "severity",
    "reasons",
    "created_at",
    "stray_since",
    "stray_since_source",
    "groups",
    "inline_policies",
    "attached_policies",
    "permissions_boundary",
    "exempt_by",
    "exempt_reason",
    "exempt_until",
    "note",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # OWASP, "CSV Injection"


def render(report: Report) -> str:
    """Write one row for each user, and one of status `incomplete` for each gap."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in _rows(report):
        writer.writerow([_cell(row.get(column, "")) for column in COLUMNS])
    return text.getvalue()


def _rows(report: Report) -> Iterator[dict[str, str]]:
    for account in report.accounts:
        for gap in account.missing:
            number = account.account.account_id if account.account else ""
            note = f"{account.source}: {gap}"
            yield {"account_id": number, "status": "incomplete", "note": note}
    yield from map(_row, report.users)


def _row(user: AuditedUser) -> dict[str, str]:
    exemption, risk = user.exemption, user.risk
    return {
        "account_id": user.account.account_id,
        "user_name": user.name,
        "user_id": user.user_id,
        "user_arn": user.arn,
        "status": user.status,
        "evaluation": user.evaluation.value,
        "severity": risk.severity.name if risk else "",
        "reasons": "; ".join([risk.reasons, *(f"not read: {gap}" for gap in risk.unknown)])
        if risk
        else "",
        "created_at": iso(user.created_at),
        "stray_since": iso(user.since) if user.since else "",
        "stray_since_source": user.since_source,
        "groups": " ".join(user.groups),
        "inline_policies": " ".join(user.inline_policies),
        "attached_policies": " ".join(user.attached_policies),
        "permissions_boundary": user.boundary_arn or "",
        "exempt_by": exemption.by if exemption else "",
        "exempt_reason": exemption.reason if exemption else "",
        "exempt_until": iso(exemption.until) if exemption and exemption.until else "",
        "note": user.note,
    }


def _cell(text: str) -> str:
    """A cell that a spreadsheet shows as text: an apostrophe goes before what starts a formula."""
    return f"'{visible(text)}" if text.startswith(_FORMULA) else visible(text)
