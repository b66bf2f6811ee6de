"""The report as a table for people: strays first, the highest risk first."""

from __future__ import annotations

import io
import os
from datetime import datetime
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

from chalicelib.times import in_utc
from straywatch.audit.formats.summary import sentences
from straywatch.audit.formats.times import age
from straywatch.audit.report import AuditedUser, Report
from straywatch.terminal.columns import unbroken
from straywatch.text import visible

_WIDE = 110  # from here on there is room for policies and ids
_NARROW = 70  # below, one column tells why and since when
_PIPED = 160
_STYLE = {"CRITICAL": "bold red", "HIGH": "red", "MEDIUM": "yellow", "LOW": "cyan"}


def render(report: Report) -> str:
    """Write the table without colour, for a file or a pipe, as wide as COLUMNS or 160."""
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) else _PIPED
    text = io.StringIO()
    _print(report, _console(text, width, color_system=None), soft_wrap=True)
    return text.getvalue()


def show(report: Report, stream: TextIO, width: int | None = None) -> None:
    """Print table and summary; on a terminal as wide as it is, and in colour unless NO_COLOR."""
    _print(report, _console(stream, width, color_system="auto"), soft_wrap=width is not None)


def _console(stream: TextIO, width: int | None, color_system: Literal["auto"] | None) -> Console:
    """A console; FORCE_COLOR is for screens: what goes to a file has no colour."""
    return Console(
        file=stream,
        width=width,
        color_system=color_system,
        highlight=False,
        emoji=False,
        markup=False,
    )


def _print(report: Report, console: Console, *, soft_wrap: bool) -> None:
    users = list(report.users)
    if users:
        header = _columns(several=len(report.accounts) > 1, width=console.width)
        cells = [_cells(user, report.generated_at, console.width) for user in users]
        rows = [header, *([row[name] for name in header] for row in cells)]
        styles = ["bold", *map(_style, users)]
        shown = map(_coloured, unbroken(rows, console.width), styles)
        console.print(Text("\n").join(shown), soft_wrap=True)
    for line in sentences(report):
        console.print(Text(line, style="bold"), soft_wrap=soft_wrap)


def _coloured(lines: list[str], style: str) -> Text:
    """A row whose status, which stands first, is in colour."""
    text = Text("\n".join(lines))
    text.stylize(style, 0, len(lines[0]) if style == "bold" else lines[0].find("  "))
    return text


def _style(user: AuditedUser) -> str:
    return _STYLE[user.risk.severity.name] if user.risk else "dim"


def _columns(*, several: bool, width: int) -> list[str]:
    columns = ["STATUS", "USER", *(["ACCOUNT"] if several else [])]
    if width < _NARROW:
        return [*columns, "WHY"]
    return [*columns, "SINCE", "WHY", *(["POLICIES", "USER ID"] if width >= _WIDE else [])]


def _cells(user: AuditedUser, now: datetime, width: int) -> dict[str, str]:
    severity = f" {user.risk.severity.name}" if user.risk else ""
    since = f"{user.since:%Y-%m-%d} ({age(user.since, now)})" if user.since else ""
    why = _why(user)
    cells = {
        "STATUS": user.status + severity,
        "USER": user.name,
        "ACCOUNT": user.account.account_id,
        "SINCE": since,
        "WHY": why if width >= _NARROW or not since else f"{since}: {why}",
        "POLICIES": ", ".join(_policies(user)),
        "USER ID": user.user_id,
    }
    return {name: visible(text) for name, text in cells.items()}


def _why(user: AuditedUser) -> str:
    if user.exemption:
        until = f" until {in_utc(user.exemption.until)}" if user.exemption.until else ""
        return f"{user.exemption.by}{until}: {user.exemption.reason}"
    if user.groups:
        return ", ".join(user.groups)
    risk = user.risk
    parts = [risk.reasons if risk else "in no group"]
    if risk and risk.unknown:
        parts.append(f"not read: {', '.join(risk.unknown)}")
    return "; ".join([*parts, user.note] if user.note else parts)


def _policies(user: AuditedUser) -> list[str]:
    return [*user.inline_policies, *(arn.rsplit("/", 1)[-1] for arn in user.attached_policies)]
