"""`straywatch org`: an organization of many accounts, watched from one."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import boto3
import click

from chalicelib.text import counted
from chalicelib.times import iso, utc_now
from straywatch.aws.invoking import counts_in, invoked
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.deploy.stack import Stack
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError, WrongUsageError
from straywatch.observing.deployment import observed_deployment
from straywatch.observing.figures import rounded_down
from straywatch.organization.member import HubSide, member_template
from straywatch.organization.status import AccountStatus, OrganizationReader, OrganizationStatus
from straywatch.terminal.groups import HelpfulGroup
from straywatch.terminal.options import aws_context, aws_options, output_option
from straywatch.terminal.progress import waiting
from straywatch.terminal.tables import console, print_table, say
from straywatch.text import one_line

SCHEMA = "straywatch.organization/1"

_stage = click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
_format = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)

_EXAMPLES = """\b
Examples:
  straywatch deploy --parameter OrganizationId=o-a1b2c3d4e5
  straywatch org enable
  straywatch org template --output member.json
  straywatch org status

\b
Exit codes: 0 fine, 1 something is wrong with an account, 2 wrong usage, 3 could not complete.
docs/organization.md has the whole way.
"""


@click.group("org", cls=HelpfulGroup, epilog=_EXAMPLES)
def command() -> None:
    """Watch every account of an organization from one deployment, the hub."""


@command.command("enable", epilog="\b\nExamples:\n  straywatch org enable\n")
@_stage
@aws_options
@click.pass_context
def enable(ctx: click.Context, stage: str | None) -> int:
    """Read the accounts now, and ask for a sweep of each."""
    session = aws_context(ctx).session
    stack = _hub(session, stage)
    with waiting("The hub reads its accounts"):
        listed = _listed(session, stack, {})
        answer = invoked(session, output(stack, "SweepFunctionName"), {"accounts": "all"})
        asked = counts_in(answer, "the hub", "asked")
    watched = counted(listed["watched"], "account")
    click.echo(
        f"{watched} watched, {listed['came']} new, {listed['left']} left; "
        f"{counted(asked['asked'], 'sweep')} asked for"
    )
    click.echo("next: `straywatch org template` makes what each member needs; then `org status`")
    return EXIT_FINE


@command.command("disable", epilog="\b\nExamples:\n  straywatch org disable --yes\n")
@click.option("--yes", is_flag=True, help="Close the members' findings without asking.")
@_stage
@aws_options
@click.pass_context
def disable(ctx: click.Context, stage: str | None, *, yes: bool) -> int:
    """Leave all members: close their findings, and say what has to go."""
    session = aws_context(ctx).session
    stack = _hub(session, stage)
    if not yes:
        if not sys.stdin.isatty():
            raise WrongUsageError("nobody can be asked here, as stdin is no terminal: add --yes")
        click.confirm("Close every finding of every member as account_left?", abort=True, err=True)
    with waiting("The hub leaves its members"):
        left = _listed(session, stack, {"leave": "all"})
    stage_option = f" --stage {one_line(stage)}" if stage else ""
    click.echo(
        f"{counted(left['left'], 'account')} left, {counted(left['resolved'], 'finding')} closed"
    )
    click.echo("now, within half an hour, or the accounts come back:")
    click.echo(f"  straywatch deploy{stage_option} --parameter OrganizationId=")
    click.echo("then take the members' stacks away: delete the stack instances, then the stack set")
    return EXIT_FINE


@command.command("template", epilog="\b\nExamples:\n  straywatch org template -o member.json\n")
@_stage
@output_option
@aws_options
@click.pass_context
def template(ctx: click.Context, stage: str | None) -> int:
    """Print the template that every member gets, for StackSets or as a stack of its own."""
    stack = _hub(aws_context(ctx).session, stage)
    hub = HubSide(
        organization_id=output(stack, "OrganizationId"),
        bus_arn=output(stack, "OrganizationBusArn"),
        role_arns=tuple(output(stack, "HubRoles").split(",")),
        member_role_name=output(stack, "MemberRoleName"),
    )
    click.echo(json.dumps(member_template(hub), indent=2))
    return EXIT_FINE


@command.command(
    "status", epilog="\b\nExamples:\n  straywatch org status\n"
    "  straywatch org status --format json | jq '.accounts[] | select(.problem)'\n"
)  # fmt: skip
@_format
@click.option("--all", "everything", is_flag=True, help="Also accounts in which all is well.")
@_stage
@output_option
@aws_options
@click.pass_context
def status(ctx: click.Context, form: str, stage: str | None, *, everything: bool) -> int:
    """Say of each account whether it forwards, can be read and was swept, or what is wrong."""
    session = aws_context(ctx).session
    _hub(session, stage)
    observed = observed_deployment(session, stage)
    client = session.client("dynamodb", config=RETRIES)
    reader = OrganizationReader(client, observed.state_table, observed.account)
    found = reader.read(utc_now(), observed.sweep_every)
    if form == "json":
        click.echo(json.dumps(_plain(found, observed.parameters), indent=2))
    else:
        _print(found, everything=everything)
    wrong = not found.watched or any(each.problem for each in found.watched)
    return EXIT_FOUND if wrong else EXIT_FINE


def _print(found: OrganizationStatus, *, everything: bool) -> None:
    out = console()
    shown = [a for a in found.watched if everything or len(found.watched) <= _FEW or a.problem]
    if shown:
        heads = ("account", "name", "heard", "last whole sweep", "users", "strays", "wrong")
        print_table(out, heads, map(_cells, shown))
    wrong = sum(bool(each.problem) for each in found.watched)
    said = f"{counted(len(found.watched), 'account')} watched, {wrong} with a problem"
    known = f"{rounded_down(found.coverage)}% are known"
    say(out, f"{said}; {known}. {len(found.unwatched)} are not watched.")
    if not found.watched:
        say(out, "No account is listed yet: `straywatch org enable` reads them.")


_FEW = 50
"""So many accounts are all shown; of more, those with a problem, unless `--all` is said."""


def _cells(each: AccountStatus) -> tuple[str, ...]:
    return (
        each.member.account.account_id,
        each.member.name,
        iso(each.heard_at) if each.heard_at else "never",
        iso(each.swept_at) if each.swept_at else "never",
        "unknown" if each.users is None else str(each.users),
        "unknown" if each.strays is None or not each.is_readable else str(each.strays),
        each.problem or "-",
    )


def _plain(found: OrganizationStatus, parameters: Mapping[str, str]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "organization_id": parameters.get("OrganizationId"),
        "coverage_percent": rounded_down(found.coverage),
        "accounts": [
            {
                "account_id": each.member.account.account_id,
                "partition": each.member.account.partition,
                "name": each.member.name or None,
                "organizational_unit": each.member.unit or None,
                "heard_at": iso(each.heard_at) if each.heard_at else None,
                "swept_at": iso(each.swept_at) if each.swept_at else None,
                "users": each.users,
                "strays": each.strays,
                "readable": each.is_readable,
                "problem": each.problem or None,
            }
            for each in found.watched
        ],
        "unwatched": [
            {"account_id": m.account.account_id, "name": m.name or None, "because": m.unwatched}
            for m in found.unwatched
        ],
    }


def _hub(session: boto3.Session, stage: str | None) -> Stack:
    """The stack, if it is told of an organization. Raises StraywatchError."""
    stack = deployed_stack(session, stage)
    if "OrganizationId" not in stack.outputs:
        raise StraywatchError(
            f"stack {stack.name} watches its own account alone: deploy it with "
            "`straywatch deploy --parameter OrganizationId=o-...` first"
        )
    return stack


def _listed(session: boto3.Session, stack: Stack, asked: Mapping[str, str]) -> dict[str, int]:
    """Have the list of accounts read anew, or emptied. Raises StraywatchError."""
    answer = invoked(session, output(stack, "ListAccountsFunctionName"), asked)
    return counts_in(answer, "the hub", "watched", "came", "left", "resolved")
