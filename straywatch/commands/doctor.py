"""`straywatch doctor`: whether a deployment is able to hear, look, remember and speak."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial

import boto3
import click
from rich.text import Text

from chalicelib.times import utc_now
from straywatch.aws.identity import own_account
from straywatch.deploy.deployed import deployed_stack
from straywatch.deploy.remaking import remake
from straywatch.doctor.checkout import packaged
from straywatch.doctor.checkup import Area, check_up, exit_code, unseen
from straywatch.doctor.deployment import read_world
from straywatch.doctor.lines import Level
from straywatch.doctor.performing import performing
from straywatch.doctor.repairing import plan, repair
from straywatch.doctor.world import Unread, World
from straywatch.errors import (
    EXIT_FINE,
    EXIT_FOUND,
    EXIT_INCOMPLETE,
    StraywatchError,
    WrongUsageError,
)
from straywatch.terminal.options import aws_context, aws_options, format_option, output_option
from straywatch.terminal.progress import waiting
from straywatch.terminal.tables import console
from straywatch.text import visible

SCHEMA = "straywatch.doctor/1"

_STYLES = {
    Level.PASS: "green",
    Level.WARN: "yellow",
    Level.FAIL: "bold red",
    Level.NOT_CHECKED: "magenta",
}
_EXAMPLES = """\b
Examples:
  straywatch doctor
  straywatch doctor --problems
  straywatch doctor --repair CheckQueue       as its template has it, after asking
  straywatch doctor --repair all --yes
  straywatch doctor --format json | jq -r '.checks[] | select(.level=="FAIL") | .mend'

\b
Exit codes: 0 nothing fails, 1 something fails, 2 wrong usage,
3 nothing that was seen fails, but an error prevented a look: that is no clean bill.
"""


@click.command(epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option("--problems", is_flag=True, help="Leave out what passes.")
@click.option(
    "--repair", "repaired", multiple=True, metavar="RESOURCE|all",
    help="Make a resource what the stack's template says; repeatable.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="With --repair: do not ask.")
@format_option("table", "json")
@output_option
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    stage: str | None,
    problems: bool,
    repaired: tuple[str, ...],
    yes: bool,
    form: str,
) -> int:
    """Look a deployment over, from the trail to the mailbox, and say how to fix what fails.

    PASS, WARN, FAIL or NOT CHECKED for each thing, with the command that fixes it. Changes
    nothing, unless asked to --repair: then it puts back what somebody has changed in a resource of
    the stack, which a deployment would not touch. A look that failed is never a pass.
    """
    if yes and not repaired:
        raise WrongUsageError("--yes goes with --repair: without it nothing is changed")
    session = aws_context(ctx).session
    account = own_account(session)
    stack = deployed_stack(session, stage)
    read = partial(read_world, session, account, stack, clock=utc_now)
    if repaired:
        if form == "json":
            raise WrongUsageError("--repair tells what it does in words alone: leave out --format")
        return _repair(session, read(Unread("not packed: not needed for a repair")), repaired, yes)
    with waiting("Packing this version, to compare"):
        checkout = packaged()
    world = read(checkout)
    areas = []
    for area in check_up(world):
        areas.append(area)
        if form == "table":
            _print(area, problems=problems)
    if form == "json":
        _print_json(stack.name, areas, problems=problems)
    else:
        counts = Counter(line.level for area in areas for line in area.lines)
        told = ", ".join(f"{counts[level]} {level}" for level in Level if counts[level])
        click.echo(f"\n{stack.name} in {world.region}: {told}")
    code = exit_code(areas)
    if code == EXIT_INCOMPLETE:
        click.echo(f"straywatch: {unseen(areas)}", err=True)
    return code


def _repair(
    session: boto3.Session,
    world: World,
    names: tuple[str, ...],
    agreed: bool,  # noqa: FBT001 - a yes
) -> int:
    """Show what would be put back, ask, do it, and look again."""
    repairs = plan(world, names)
    if not repairs:
        click.echo("Nothing to repair: all is as the stack's template has it.")
        return EXIT_FINE
    for each in repairs:
        click.echo(visible(str(each)))
    _require_consent(agreed)
    progress = partial(click.echo, err=True)
    repair(
        world,
        repairs,
        performing(session),
        partial(remake, session, world.stack, progress=progress),
    )
    left = () if any(each.by_stack for each in repairs) else plan(world, names)
    for each in left:
        click.echo(visible(f"still: {each}"))
    click.echo(f"{len(repairs) - len(left)} of {len(repairs)} repaired.")
    return EXIT_FOUND if left else EXIT_FINE


def _require_consent(agreed: bool) -> None:  # noqa: FBT001 - a yes
    if agreed:
        return
    if not sys.stdin.isatty():
        raise WrongUsageError("nobody can be asked here, as stdin is no terminal: add --yes")
    if not click.confirm("Put this back as the stack's template has it?", err=True):
        raise StraywatchError("not approved: nothing was changed")


def _print(area: Area, *, problems: bool) -> None:
    out = console()
    lines = [line for line in area.lines if not (problems and line.level is Level.PASS)]
    if not lines:
        return
    out.print(Text(f"\n{area.name}", style="bold"))
    for line in lines:
        text = Text(f"  {line.level:<11} ", style=_STYLES[line.level])
        out.print(text.append(visible(f"{line.check}: {line.seen}"), style="default"))
        if line.advice:
            out.print(Text(visible(f"              {line.advice}")), soft_wrap=True)
        if line.mend:
            # on one line, however long: it is there to be copied
            out.print(Text(visible(f"              fix: {line.mend}")), soft_wrap=True)


def _print_json(name: str, areas: list[Area], *, problems: bool) -> None:
    checks = [
        {
            "area": area.name,
            "check": line.check,
            "level": line.level,
            "seen": line.seen,
            "mend": line.mend or None,
            "advice": line.advice or None,
        }
        for area in areas
        for line in area.lines
        if not (problems and line.level is Level.PASS)
    ]
    click.echo(json.dumps({"schema": SCHEMA, "stack": name, "checks": checks}, indent=2))
