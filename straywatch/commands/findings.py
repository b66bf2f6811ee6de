"""`straywatch findings`: what was found, listed, and one whole life on a screen."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import boto3
import click

from chalicelib.adapters.tables import FindingsTable
from chalicelib.domain.findings import Acknowledgement, Finding, Status, Write
from chalicelib.domain.severity import Severity
from chalicelib.times import in_utc, utc_now
from straywatch.aws.identity import caller_arn
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.errors import (
    EXIT_FINE,
    EXIT_FOUND,
    EXIT_INCOMPLETE,
    StraywatchError,
    WrongUsageError,
)
from straywatch.findings.choosing import Wanted, choose
from straywatch.findings.formats import write_life, write_list
from straywatch.findings.reading import Findings, NoSuchFinding, Several, Unreadable
from straywatch.findings.suggesting import NotAsked, Suggestion, look_for_group
from straywatch.terminal.durations import duration_seconds
from straywatch.terminal.groups import HelpfulGroup
from straywatch.terminal.options import (
    aws_context,
    aws_options,
    format_option,
    output_option,
    require_reason,
)
from straywatch.terminal.progress import StepLines, waiting
from straywatch.text import one_line, visible

_stage = click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
_LONGEST_SNOOZE = timedelta(days=30)
_SAID = 5  # ids named where several are meant
_SEVERITIES = [severity.name.lower() for severity in Severity]

_LIST_EXAMPLES = """\b
Examples:
  straywatch findings list
  straywatch findings list --severity high --age 3d
  straywatch findings list --state all --since 30d --format csv -o findings.csv
  straywatch findings list --user 'ci-*' --format json | jq -r '.findings[].id'

\b
Exit codes: 0 none of those listed is open, 1 some are, 2 wrong usage,
3 the table, or something in it, could not be read.
"""

_SHOW_EXAMPLES = """\b
Examples:
  straywatch findings show aws:123456789012:AIDAEXAMPLEEXAMPLE1:1
  straywatch findings show frank
  straywatch findings show AIDAEXAMPLE --no-suggest

\b
Exit codes: 0 shown, 2 no such finding, or several, 3 could not be read.
"""


_EXAMPLES = """\b
Examples:
  straywatch findings list --severity high
  straywatch findings show aws:123456789012:AIDAEXAMPLEEXAMPLE1:1
"""


@click.group("findings", cls=HelpfulGroup, epilog=_EXAMPLES)
def command() -> None:
    """List findings, show one's whole life, or say that you have seen one."""


@command.command("list", epilog=_LIST_EXAMPLES)
@click.option(
    "--state", type=click.Choice(["open", "resolved", "all"]), default="open", show_default=True
)
@click.option("--account", metavar="ID", help="Only of this account (12 digits).")
@click.option("--age", help="Only users who are, or were, strays since this long ago: 12h, 3d.")
@click.option("--since", help="Only findings opened within this time: 24h, 30d.")
@click.option(
    "--severity", type=click.Choice(_SEVERITIES, case_sensitive=False), help="This bad or worse."
)
@click.option("--user", metavar="NAME|ID", help="A user name, * and ? as wildcards, or a user id.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True, help="The newest so many."
)
@format_option("table", "json", "csv")
@_stage
@output_option
@aws_options
@click.pass_context
def list_findings(
    ctx: click.Context,
    *,
    state: str,
    account: str | None,
    age: str | None,
    since: str | None,
    severity: str | None,
    user: str | None,
    limit: int,
    form: str,
    stage: str | None,
) -> int:
    """List findings, newest first; open ones unless --state says otherwise."""
    if account is not None and not re.fullmatch(r"[0-9]{12}", account):
        raise WrongUsageError(f"{account!r} is no account id: it has 12 digits")
    now = utc_now()
    wanted = Wanted(
        status=None if state == "all" else Status(state.upper()),
        account_id=account,
        severity=Severity[severity.upper()] if severity else None,
        user=user,
        stray_before=_ago(age, now),
        opened_after=_ago(since, now),
    )
    findings = _findings(aws_context(ctx).session, stage)
    # the open ones have an index of their own; who asks for others pays for the whole table
    found = findings.live() if state == "open" else findings.all()
    with waiting("Reading findings"):
        chosen = choose(found, wanted, limit)
    write_list(chosen, form, now)
    for each in chosen.unreadable:
        click.echo(f"straywatch: unreadable: {one_line(f'{each.key}: {each.why}')}", err=True)
    if chosen.unreadable:
        return EXIT_INCOMPLETE
    is_open = any(finding.status is Status.OPEN for finding in chosen.findings)
    return EXIT_FOUND if is_open else EXIT_FINE


@command.command("show", epilog=_SHOW_EXAMPLES)
@click.argument("meant", metavar="ID|USER")
@format_option("table", "json")
@click.option(
    "--no-suggest", is_flag=True, help="Do not read the account to see which group surely fits."
)
@_stage
@output_option
@aws_options
@click.pass_context
def show(ctx: click.Context, *, meant: str, form: str, no_suggest: bool, stage: str | None) -> int:
    """Show one finding's whole life: since when, by whom, which alerts, how it ended.

    It is named by its id, the beginning of that, or its user's name or id: the newest then.

    For an open one, the account's users, groups and policies are read, to name the group that
    gives exactly what the user holds directly, if there is one.
    """
    context = aws_context(ctx)
    findings = _findings(context.session, stage)
    finding = _named(findings, meant)

    def look() -> Suggestion:
        return NotAsked() if no_suggest else look_for_group(context, finding, StepLines())

    write_life(finding, findings.of_user(finding), form, utc_now(), look)
    return EXIT_FINE


_SEEN_EXAMPLES = """\b
Examples:
  straywatch findings ack frank --reason 'OPS-12: moves on Monday'
  straywatch findings snooze frank --for 3d --reason 'OPS-12: back from leave then'

\b
Exit codes: 0 stored, 2 no such open finding, or several, 3 could not be stored.
"""
_reason = click.option("--reason", required=True, help="Why: for whoever reads it next.")
_meant = click.argument("meant", metavar="ID|USER")


@command.command("ack", epilog=_SEEN_EXAMPLES)
@_meant
@_reason
@_stage
@aws_options
@click.pass_context
def ack(ctx: click.Context, meant: str, reason: str, stage: str | None) -> None:
    """Acknowledge an open finding: no reminder and no escalation follows.

    It stays open, and its end is told as ever. If it gets worse, it is told of again.
    """
    _see(ctx, stage, meant, reason, None)


@command.command("snooze", epilog=_SEEN_EXAMPLES)
@_meant
@click.option("--for", "lasts", required=True, help="How long: 12h, 3d; 30d at most.")
@_reason
@_stage
@aws_options
@click.pass_context
def snooze(ctx: click.Context, meant: str, lasts: str, reason: str, stage: str | None) -> None:
    """Have nobody reminded of an open finding for some time; what is due is sent afterwards."""
    seconds = duration_seconds(lasts)
    if not 0 < seconds <= _LONGEST_SNOOZE.total_seconds():
        raise WrongUsageError(f"--for {lasts}: 30d at most; exempt who may stay as it is")
    _see(ctx, stage, meant, reason, timedelta(seconds=seconds))


def _see(
    ctx: click.Context, stage: str | None, meant: str, reason: str, lasts: timedelta | None
) -> None:
    require_reason(reason)
    session = aws_context(ctx).session
    findings = _findings(session, stage)
    finding = _named(findings, meant)
    if finding.status is not Status.OPEN:
        raise WrongUsageError(f"{finding.finding_id} is resolved: nobody is reminded of it")
    now = utc_now().replace(microsecond=0)
    until = now + lasts if lasts else None
    seen = Acknowledgement(
        by=caller_arn(session), reason=reason, at=now, severity=finding.severity, until=until
    )
    table = FindingsTable(findings.client, findings.table, timedelta())
    if table.update(replace(finding, acknowledged=seen)) is not Write.DONE:
        raise StraywatchError(f"{finding.finding_id} changed at this moment: try again")
    what = f"snoozed until {in_utc(until)}" if until else "acknowledged"
    click.echo(f"{what}: {visible(finding.user_name)}, {finding.finding_id}; it stays open")


def _named(findings: Findings, meant: str) -> Finding:
    """The one finding that is meant. Raises WrongUsageError, StraywatchError."""
    with waiting("Looking for the finding"):
        finding = findings.named(meant)
    if isinstance(finding, NoSuchFinding):
        raise WrongUsageError(
            f"no finding has the id, or is about the user, {meant!r}: "
            "see `straywatch findings list --state all`"
        )
    if isinstance(finding, Several):
        first = ", ".join(finding.finding_ids[:_SAID])
        more = f" and {len(finding.finding_ids) - _SAID} more" * (len(finding.finding_ids) > _SAID)
        raise WrongUsageError(f"{meant!r} may mean {first}{more}: name one")
    if isinstance(finding, Unreadable):
        raise StraywatchError(f"unreadable: {one_line(f'{finding.key}: {finding.why}')}")
    return finding


def _ago(text: str | None, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        return now - timedelta(seconds=duration_seconds(text))
    except OverflowError as error:
        raise WrongUsageError(f"{text} is longer than the calendar") from error


def _findings(session: boto3.Session, stage: str | None) -> Findings:
    table = output(deployed_stack(session, stage), "FindingsTableName")
    return Findings(session.client("dynamodb", config=RETRIES), table)
