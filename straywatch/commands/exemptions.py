"""`straywatch exemptions`: who may be in no group, and why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import boto3
import click

from chalicelib.adapters.parameters import read_parameter
from chalicelib.domain.exemptions import Exemptions, InvalidConfigurationError, parse, read_end
from chalicelib.text import counted
from chalicelib.times import in_utc, iso, utc_now
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.configuration import put_parameter
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.exempting.document import EMPTY, LONGEST, added, checked, has_ended, removed
from straywatch.terminal.files import read
from straywatch.terminal.groups import HelpfulGroup
from straywatch.terminal.options import aws_context, aws_options, format_option, output_option
from straywatch.terminal.tables import console, print_table, say
from straywatch.text import one_line

SCHEMA = "straywatch.exemptions/1"

F = TypeVar("F", bound=Callable[..., Any])

_stage = click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
_file = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
_everybody = click.option("--everybody", is_flag=True, help="Yes, a rule may exempt everybody.")


_EXAMPLES = """\b
Examples:
  straywatch exemptions list
  straywatch exemptions add --name 'ci-*' --reason 'build robots, OPS-12' --until 2027-06-30
  straywatch exemptions remove --name 'ci-*'
  straywatch exemptions check exemptions.json
  straywatch exemptions put exemptions.json
"""


def _users_options(function: F) -> F:
    """Accept the three ways to say who is meant, of which one is to be given."""
    for option in (
        click.option("--unit", metavar="ID", help="Only in this unit of an organization (ou-...)."),
        click.option("--account", metavar="ID", help="Only in this account of an organization."),
        click.option("--user-id", metavar="ID", help="The user of this id (AIDA...)."),
        click.option("--path", help="All users on this path and below."),
        click.option("--name", metavar="PATTERN", help="All users of this name; * and ? may vary."),
    ):
        function = option(function)
    return function


@click.group("exemptions", cls=HelpfulGroup, epilog=_EXAMPLES)
def command() -> None:
    """Show, check or change the document that exempts users, each with a reason."""


@command.command(
    "list", epilog="\b\nExamples:\n  straywatch exemptions list\n"
    "  straywatch exemptions list --format json | jq '.exemptions[].reason'"
)  # fmt: skip
@format_option("table", "json")
@_stage
@output_option
@aws_options
@click.pass_context
def list_exemptions(ctx: click.Context, form: str, stage: str | None) -> None:
    """List the exemptions that are stored, and whether they have ended."""
    session = aws_context(ctx).session
    name = output(deployed_stack(session, stage), "ConfigParameterName")
    stored = _parsed(_stored(session, name))
    now = utc_now()
    rows = [
        {
            rule.kind: rule.value,
            "until": iso(rule.until) if rule.until else None,
            "ended": has_ended(rule, now),
            "reason": rule.reason,
            "owner": rule.owner or None,
            **({"account": rule.account} if rule.account else {}),
            **({"unit": rule.unit} if rule.unit else {}),
        }
        for rule in stored.rules
    ]
    if form == "json":
        told = {"schema": SCHEMA, "tag_exemptions": stored.tag_exemptions, "exemptions": rows}
        click.echo(json.dumps(told, indent=2))
        return
    out = console()
    if rows:
        cells = (
            (r.by, _end(row), r.reason, r.owner) for r, row in zip(stored.rules, rows, strict=True)
        )
        print_table(out, ("who", "until", "reason", "owner"), cells)
    tags = "users are exempt by tags, too" if stored.tag_exemptions else "tags exempt nobody"
    say(out, f"{counted(len(rows), 'exemption')}; {tags}.")
    if stored.pause and stored.pause.is_in_force(now):
        say(out, f"Alerts are paused until {in_utc(stored.pause.until)}: {stored.pause.reason}.")


def _end(row: dict[str, Any]) -> str:
    ended = " (ended)" if row["ended"] else ""
    return f"{row['until'] or 'no end'}{ended}"


@command.command(
    "add", epilog="\b\nExamples:\n  straywatch exemptions add --name 'ci-*' --reason 'OPS-12'\n"
    "  straywatch exemptions add --path /break-glass/ --reason 'SEC-12: sealed' --until 2027-06-30"
)  # fmt: skip
@_users_options
@click.option("--reason", required=True, help="Why: for whoever reads it in a year.")
@click.option("--until", metavar="DATE", help="Its last day (2027-06-30), or a time with offset.")
@click.option("--owner", help="Whom to ask.")
@_everybody
@_stage
@aws_options
@click.pass_context
def add(
    ctx: click.Context,
    *,
    name: str | None,
    path: str | None,
    user_id: str | None,
    account: str | None,
    unit: str | None,
    reason: str,
    until: str | None,
    owner: str | None,
    everybody: bool,
    stage: str | None,
) -> None:
    """Exempt users from now on; an exemption of the same users is replaced."""
    kind, value = _users(name, path, user_id)
    _require_future(until)
    more = {"until": until, "owner": owner, "account": account, "unit": unit}
    entry = {kind: value, "reason": reason, **{key: said for key, said in more.items() if said}}
    _edit(ctx, stage, lambda text: added(text, entry), everybody=everybody)


@command.command(
    "remove", epilog="\b\nExample:\n  straywatch exemptions remove --name 'ci-*'"
)  # fmt: skip
@_users_options
@_stage
@aws_options
@click.pass_context
def remove(
    ctx: click.Context,
    *,
    name: str | None,
    path: str | None,
    user_id: str | None,
    account: str | None,
    unit: str | None,
    stage: str | None,
) -> None:
    """Exempt users no longer; their grace begins now."""
    kind, value = _users(name, path, user_id)
    place = {key: said for key, said in (("account", account), ("unit", unit)) if said}
    _edit(ctx, stage, lambda text: removed(text, kind, value, place), everybody=True)


@command.command("check", epilog="\b\nExample:\n  straywatch exemptions check exemptions.json")
@_file
@_everybody
def check(file: Path, *, everybody: bool) -> None:
    """Check a document (- is standard input) without storing it; every fault is named."""
    exemptions, remarks = checked(read(file), str(file), utc_now(), everybody=everybody)
    _remark(remarks)
    click.echo(f"{file}: fine, {counted(len(exemptions.rules), 'exemption')}")


@command.command("put", epilog="\b\nExample:\n  straywatch exemptions put exemptions.json")
@_file
@_everybody
@_stage
@aws_options
@click.pass_context
def put(ctx: click.Context, file: Path, stage: str | None, *, everybody: bool) -> None:
    """Check a document (- is standard input) and put it in force within seconds."""
    text = read(file)
    _, remarks = checked(text, str(file), utc_now(), everybody=everybody)
    session = aws_context(ctx).session
    _store(session, output(deployed_stack(session, stage), "ConfigParameterName"), text)
    _remark(remarks)


@command.command("show", epilog="\b\nExample:\n  straywatch exemptions show > exemptions.json")
@_stage
@output_option
@aws_options
@click.pass_context
def show(ctx: click.Context, stage: str | None) -> None:
    """Print the stored document, and say if it is refused."""
    session = aws_context(ctx).session
    name = output(deployed_stack(session, stage), "ConfigParameterName")
    text = read_parameter(session.client("ssm", config=RETRIES), name)
    if not text:
        click.echo(f"{name} is not there: users are exempt by tags alone", err=True)
        return
    click.echo(text)
    _parsed(text)


def _users(name: str | None, path: str | None, user_id: str | None) -> tuple[str, str]:
    """Who is meant. Raises WrongUsageError unless it is said once."""
    said = {"name": name, "path": path, "user_id": user_id}
    given = [(kind, value) for kind, value in said.items() if value is not None]
    if len(given) != 1:
        raise WrongUsageError("say who is meant by one of --name, --path and --user-id")
    return given[0]


def _require_future(until: str | None) -> None:
    try:
        if until is not None and read_end(until) <= utc_now():
            raise WrongUsageError(f"{until} has passed: such an exemption exempts nobody")
    except ValueError as error:
        raise WrongUsageError(
            f"{until!r} is no end: give a date (2027-06-30) or a time with its offset"
        ) from error


def _edit(
    ctx: click.Context, stage: str | None, change: Callable[[str], str], *, everybody: bool
) -> None:
    """Change the stored document. One that the monitor refuses is to be fixed first."""
    session = aws_context(ctx).session
    name = output(deployed_stack(session, stage), "ConfigParameterName")
    before = _stored(session, name)
    _parsed(before, was_in_force=True)  # what only lacks reasons may be fixed by this very change
    text = change(before)
    _, remarks = checked(text, "the exemption", utc_now(), everybody=everybody)
    _store(session, name, text)
    _remark(remarks)


def _stored(session: boto3.Session, name: str) -> str:
    return read_parameter(session.client("ssm", config=RETRIES), name) or EMPTY


def _parsed(text: str, *, was_in_force: bool = False) -> Exemptions:
    try:
        return parse(text, was_in_force=was_in_force)
    except InvalidConfigurationError as error:
        raise StraywatchError(
            f"the monitor refuses this document and keeps to the last good one: {one_line(error)}"
        ) from error


def _store(session: boto3.Session, name: str, text: str) -> None:
    size = len(text.encode())
    if size > LONGEST:
        raise WrongUsageError(
            f"the exemptions would have {size} bytes; Parameter Store takes {LONGEST}: use "
            "patterns or paths in the place of single users, or tags"
        )
    put_parameter(session.client("ssm", config=RETRIES), name, text)
    click.echo(f"stored in {name}; the next check and the next sweep follow it")


def _remark(remarks: list[str]) -> None:
    for remark in remarks:
        click.echo(f"straywatch: note: {one_line(remark)}", err=True)
