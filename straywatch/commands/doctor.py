"""`straywatch doctor`: whether a deployment is able to hear, look, remember and speak."""

from __future__ import annotations

import json
from collections import Counter

import click
from rich.text import Text

from chalicelib.times import utc_now
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack
from straywatch.deploy.stack_resources import read_resources
from straywatch.doctor.checkout import packaged
from straywatch.doctor.checkup import Area, check_up, exit_code
from straywatch.doctor.lines import Level
from straywatch.doctor.world import World, asking
from straywatch.terminal.options import aws_context, aws_options, output_option
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
  straywatch doctor --format json | jq -r '.checks[] | select(.level=="FAIL") | .mend'

\b
Exit codes: 0 nothing fails, 1 something fails, 2 wrong usage,
3 nothing that was seen fails, but an error prevented a look: that is no clean bill.
"""


@click.command(epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option("--problems", is_flag=True, help="Leave out what passes.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@output_option
@aws_options
@click.pass_context
def command(ctx: click.Context, *, stage: str | None, problems: bool, form: str) -> int:
    """Look a deployment over, from the trail to the mailbox, and say how to mend what fails.

    PASS, WARN, FAIL or NOT CHECKED for each thing, with the command that mends it. Changes
    nothing. A look that failed is never a pass.
    """
    session = aws_context(ctx).session
    account = own_account(session)
    stack = deployed_stack(session, stage)
    with waiting("Packing this version, to compare"):
        checkout = packaged()
    world = World(
        ask=asking(session),
        account=account,
        region=session.region_name,
        stack=stack,
        resources=read_resources(session.client("cloudformation", config=RETRIES), stack.name),
        checkout=checkout,
        clock=utc_now,
    )
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
    return exit_code(areas)


def _print(area: Area, *, problems: bool) -> None:
    out = console()
    lines = [line for line in area.lines if not (problems and line.level is Level.PASS)]
    if not lines:
        return
    out.print(Text(f"\n{area.name}", style="bold"))
    for line in lines:
        text = Text(f"  {line.level:<11} ", style=_STYLES[line.level])
        out.print(text.append(visible(f"{line.check}: {line.seen}"), style="default"))
        if line.mend:
            # on one line, however long: it is there to be copied
            out.print(Text(visible(f"              mend: {line.mend}")), soft_wrap=True)


def _print_json(name: str, areas: list[Area], *, problems: bool) -> None:
    checks = [
        {
            "area": area.name,
            "check": line.check,
            "level": line.level,
            "seen": line.seen,
            "mend": line.mend or None,
        }
        for area in areas
        for line in area.lines
        if not (problems and line.level is Level.PASS)
    ]
    click.echo(json.dumps({"schema": SCHEMA, "stack": name, "checks": checks}, indent=2))
