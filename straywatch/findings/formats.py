"""Findings for people, for programs and for a spreadsheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from chalicelib.codec import encode
from chalicelib.domain.alerts import Alert
from chalicelib.domain.findings import CLAIM, AlertType, Finding, Status
from chalicelib.messages.actors import place
from chalicelib.messages.body import body_of
from chalicelib.messages.remedies import console_url, ways_out
from chalicelib.text import counted
from chalicelib.times import iso, spoken
from straywatch.findings.choosing import Chosen
from straywatch.findings.life import life
from straywatch.findings.reading import Unreadable
from straywatch.findings.suggesting import NotAsked, NotLooked, Suggestion
from straywatch.remediation.planning.suggestion import Certain, NotCertain
from straywatch.terminal.tables import console, print_table, say, say_whole, write_csv

SCHEMA = "straywatch.findings/1"

_COLUMNS = (
    "finding_id", "account_id", "user_id", "user_name", "status", "severity", "stray_since",
    "opened_at", "resolved_at", "resolution", "detected_by", "reminders", "flaps", "event_name",
    "actor_arn",
)  # fmt: skip


def as_object(finding: Finding) -> dict[str, Any]:
    """The finding as alerts carry it, with its cause and what an alert has no use for."""
    body = body_of(Alert(AlertType.OPENED, finding))
    more = {
        "alerted_at": iso(finding.alerted_at) if finding.alerted_at else None,
        "escalated_at": iso(finding.escalated_at) if finding.escalated_at else None,
        "unsent": list(finding.outbox),
        "acknowledged": encode(finding.acknowledged, time=iso) if finding.acknowledged else None,
    }
    return {**body["finding"], **more, "cause": body["cause"]}


def write_list(chosen: Chosen, form: str, now: datetime) -> None:
    """Write the findings to standard output."""
    if form == "json":
        told = {
            "schema": SCHEMA,
            "total": chosen.total,
            "findings": [as_object(finding) for finding in chosen.findings],
        }
        click.echo(json.dumps(told, indent=2))
    elif form == "csv":
        write_csv(sys.stdout, _COLUMNS, map(_csv_row, chosen.findings))
    else:
        _print_list(chosen, now)


def _csv_row(finding: Finding) -> list[object | None]:
    plain = as_object(finding)
    plain |= {"finding_id": plain["id"], "resolution": (plain["resolution"] or {}).get("reason")}
    cause = plain["cause"] or {}
    return [plain.get(column, cause.get(column)) for column in _COLUMNS]


def _print_list(chosen: Chosen, now: datetime) -> None:
    out = console()
    if chosen.findings:
        columns = ("state", "severity", "user", "account", "stray for", "opened", "by", "id")
        print_table(out, columns, (_row(finding, now) for finding in chosen.findings))
    shown = len(chosen.findings)
    rest = f"; the newest {shown:,} are shown (--limit)" if shown < chosen.total else ""
    say(out, f"{counted(chosen.total, 'finding')}{rest}.")


def _row(finding: Finding, now: datetime) -> tuple[object, ...]:
    length = (finding.resolved_at or now) - finding.stray_since
    seen = finding.acknowledged if finding.status is Status.OPEN else None
    state = (
        f"{finding.status}, acknowledged" if seen and seen.quiets(finding, now) else finding.status
    )
    return (
        state, finding.severity.name, finding.user_name, finding.account.account_id,
        spoken(max(0.0, length.total_seconds())), iso(finding.opened_at), finding.detected_by,
        finding.finding_id,
    )  # fmt: skip


def write_life(
    finding: Finding,
    others: list[Finding | Unreadable],
    form: str,
    now: datetime,
    look: Callable[[], Suggestion],
) -> None:
    """Write one finding's whole life to standard output; `look` suggests a group for an open one.

    The look takes its time, so that a person has read the life by then.
    """
    if form == "json":
        suggestion = look() if finding.status is Status.OPEN else NotAsked()
        told = {"schema": SCHEMA, "finding": as_object(finding), **_suggested(suggestion)}
        click.echo(json.dumps(told, indent=2))
        return
    out = console()
    title = f"{finding.status} {finding.severity.name}: {finding.user_name}"
    say(out, title, "bold red" if finding.status is Status.OPEN else "bold green")
    print_table(out, ("what", ""), _identity(finding))
    say(out, "")
    print_table(out, ("when", "what happened"), _life(finding, now))
    if len(others) > 1:
        say(out, f"\n{counted(len(others), 'finding')} of this user in all.")
    if finding.status is Status.OPEN:
        _print_remedy(out, finding, look())


def _print_remedy(out: Console, finding: Finding, suggestion: Suggestion) -> None:
    say(out, "")
    say(out, f"To fix it, with credentials for account {finding.account.account_id}:")
    group = suggestion.group if isinstance(suggestion, Certain) else ""
    for purpose, commands in ways_out(finding, group):
        say(out, purpose)
        for command in commands:
            say_whole(out, f"  {command}")
    link = console_url(finding.account.partition, finding.user_name)
    if link:
        say_whole(out, f"Console: {link}")
    match suggestion:
        case Certain():
            say(out, f"Group {group} gives exactly what the user holds directly.")
        case NotCertain(reason):
            say(out, f"Permissions tell no certain group: {reason}. See `straywatch plan`.")
        case NotLooked(reason):
            say(out, f"Which group fits was not looked up: {reason}. See `straywatch plan`.")
        case NotAsked():
            pass


def _suggested(suggestion: Suggestion) -> dict[str, str | None]:
    """Both are null where nobody asked."""
    match suggestion:
        case Certain(group):
            return {"suggested_group": group, "why_no_group": None}
        case NotCertain(reason) | NotLooked(reason):
            return {"suggested_group": None, "why_no_group": reason}
        case NotAsked():
            return {"suggested_group": None, "why_no_group": None}


def _identity(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "finding", finding.finding_id
    yield "user", finding.user_arn
    yield "user id", finding.user_id
    yield "created", iso(finding.user_created_at)
    yield "account", f"{finding.account.account_id} ({finding.account.partition})"
    over = finding.resolution
    for what, cause in (("begun by", finding.cause), ("ended by", over.cause if over else None)):
        if cause:
            yield what, f"{cause.actor_arn or 'unknown'} ({cause.actor_type})"
            yield "from", place(cause)
    yield "risk", f"{finding.severity.name}: {finding.risk}"
    if finding.unread:
        yield "not read", f"{', '.join(finding.unread)}; the severity allows for it"


def _life(finding: Finding, now: datetime) -> Iterator[tuple[str, str]]:
    """What happened, in the order of time, and what has no date of its own."""
    yield from ((iso(each.at), each.text) for each in life(finding))
    if finding.flaps:
        yield "the day before", f"left and joined groups {counted(finding.flaps, 'time')}"
    if finding.outbox:
        until = finding.claimed_until
        held = f", held until {iso(until)}" if until and until > now + CLAIM else ""
        yield "now", f"still to be sent: {', '.join(finding.outbox)}{held}"
    length = spoken(((finding.resolved_at or now) - finding.stray_since).total_seconds())
    yield "in all", f"a stray for {length}"
