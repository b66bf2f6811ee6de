"""`straywatch report`: the evidence of a period in one file, for an auditor."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.adapters.authorization_details import UnreadableUsersError, users
from chalicelib.adapters.parameters import read_parameter
from chalicelib.domain.evaluation import UnknownGroupsError
from chalicelib.flows.exemptions_in_force import InForce, in_force
from chalicelib.times import in_utc, utc_now
from straywatch import __version__
from straywatch.aws.sessions import RETRIES
from straywatch.errors import (
    EXIT_FINE,
    EXIT_FOUND,
    EXIT_INCOMPLETE,
    WrongUsageError,
    explain,
)
from straywatch.observing.census import census_of
from straywatch.observing.deployment import Observed, observed_deployment
from straywatch.observing.records import Census, Unread
from straywatch.observing.stored import Tables
from straywatch.report.digest import sealed
from straywatch.report.evidence import Records, evidence, monitored_from
from straywatch.report.html import render
from straywatch.report.period import Period, begun, period
from straywatch.report.verify import AlteredError, NotCheckedError, verified
from straywatch.terminal.files import check_writable, write
from straywatch.terminal.options import aws_context, aws_options
from straywatch.terminal.progress import waiting
from straywatch.text import one_line

_EXAMPLES = """\b
Examples:
  straywatch report --from 2026-01-01 --to 2026-03-31 --output evidence.html
  straywatch report --from 2026-01-01 --to 2026-03-31 --format json | jq .figures
  straywatch report --verify evidence.html

\b
Exit codes: 0 written, or intact; 1 altered since it was made; 2 wrong usage; 3 something
could not be read or verified, or nobody watched for a part of the period: the report, if
there is one, says what.
"""


@click.command("report", epilog=_EXAMPLES)
@click.option("--from", "from_text", help="First day, or a time with its offset.")
@click.option("--to", "to_text", help="Last day (all of it), or a time with its offset.")
@click.option("--format", "form", type=click.Choice(["html", "json"]), default="html")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: standard output."
)
@click.option(
    "--verify",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Verify a report instead of making one.",
)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    from_text: str | None,
    to_text: str | None,
    form: str,
    output: Path | None,
    file: Path | None,
    stage: str | None,
) -> int:
    """Write the evidence of a period, computed from the findings table; the same table, the same
    bytes.
    """  # noqa: D205 - click shows it as one paragraph
    if file:
        return _verify(file)
    if not from_text or not to_text:
        raise WrongUsageError("name the period with --from and --to, such as 2026-01-01 2026-03-31")
    chosen = begun(period(from_text, to_text), utc_now())
    if output:
        check_writable(output)
    text, records = written(aws_context(ctx).session, stage, chosen, form, __version__)
    write(text, output)
    return _exit_code(records, chosen)


def written(
    session: boto3.Session, stage: str | None, chosen: Period, form: str, version: str
) -> tuple[str, Records]:
    """Read what a report needs and write its text. Raises StraywatchError, and what AWS refuses."""
    observed = observed_deployment(session, stage)
    with waiting("Reading the findings and the account"):
        records = _records(session, observed, chosen)
    data = sealed(evidence(records, observed, chosen, version))
    click.echo(f"SHA-256 {data['digest']['value']}", err=True)
    if form == "json":
        return json.dumps(data, indent=2, sort_keys=True) + "\n", records
    return render(data), records


def _exit_code(records: Records, chosen: Period) -> int:
    began = monitored_from(records)
    unwatched = began is None or began > chosen.begin
    if unwatched:
        since = f"before {in_utc(began)}" if began else "at all, as far as the records tell"
        click.echo(f"straywatch: not monitored {since}; the report says so", err=True)
    unread = [
        each.reason for each in (records.census, records.rules) if isinstance(each, Unread)
    ] + [f"{key} in the findings table" for key in records.unreadable]
    for reason in unread:
        click.echo(f"straywatch: not read: {one_line(reason)}", err=True)
    return EXIT_INCOMPLETE if unread or unwatched else EXIT_FINE


def _verify(file: Path) -> int:
    try:
        value = verified(file)
    except AlteredError as error:
        click.echo(f"{file}: ALTERED: {error}")
        return EXIT_FOUND
    except NotCheckedError as error:
        click.echo(f"{file}: NOT CHECKED: {error}")
        return EXIT_INCOMPLETE
    click.echo(f"{file}: intact; SHA-256 {value}")
    return EXIT_FINE


def _records(session: boto3.Session, observed: Observed, chosen: Period) -> Records:
    tables = Tables(session.client("dynamodb", config=RETRIES), observed)
    found = tables.findings()
    rules = _rules(session, observed, tables)
    return Records(
        findings=found.findings,
        unreadable=found.unreadable,
        sweeps=tables.sweeps(chosen.begin, chosen.end),
        drills=tables.drills(chosen.begin, chosen.end),
        census=_census(session, rules),
        rules=rules if isinstance(rules, Unread) else rules.exemptions.rules,
        refused=() if isinstance(rules, Unread) else rules.faults,
        now=utc_now(),
        first_sweep_at=tables.first_sweep_at(),
    )


def _rules(session: boto3.Session, observed: Observed, tables: Tables) -> InForce | Unread:
    ssm = session.client("ssm", config=RETRIES)
    try:
        text = read_parameter(ssm, observed.config_parameter)
    except (BotoCoreError, ClientError) as error:
        return Unread(explain(error))
    return in_force(text, tables.configuration())


def _census(session: boto3.Session, rules: InForce | Unread) -> Census | Unread:
    if isinstance(rules, Unread):
        return Unread("who is exempt cannot be told without the document")
    try:
        return census_of(users(session.client("iam", config=RETRIES)), rules.exemptions, utc_now())
    except (UnreadableUsersError, UnknownGroupsError) as error:
        return Unread(one_line(error))
