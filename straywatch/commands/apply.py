"""`straywatch apply`: carry out a plan, or print it for another pipeline."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from straywatch.errors import EXIT_FINE, EXIT_FOUND
from straywatch.remediation.applying.application import (
    apply_plan,
    plan_digest,
    refuse_if_changed,
    refuse_if_harmful,
    remaining,
)
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.settling import SETTLE_SECONDS
from straywatch.remediation.applying.steps import Step
from straywatch.remediation.files.as_cli import as_cli
from straywatch.remediation.files.as_cloudformation import as_cloudformation
from straywatch.remediation.files.as_terraform import as_terraform
from straywatch.remediation.files.planfile import load_plan
from straywatch.remediation.planning.plan import Plan
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.terminal.files import read
from straywatch.terminal.options import aws_context, aws_options
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch apply plan.yaml
  straywatch apply plan.yaml --yes
  straywatch apply plan.yaml --print cloudformation -o groups.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option(
    "--detach-direct",
    is_flag=True,
    help="At the end, once verified, remove the direct policies that the groups replace.",
)
@click.option("--journal", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to note what is done; default: PLAN.journal.")  # fmt: skip
@click.option(
    "--settle",
    type=click.FloatRange(min=0),
    default=SETTLE_SECONDS,
    show_default=True,
    help="Seconds for IAM to make each change effective, counted from the journal's last one.",
)
@click.option(
    "--print",
    "printed",
    type=click.Choice(["cli", "cloudformation", "terraform"]),
    help="Print a script for the AWS CLI, a CloudFormation template or a Terraform configuration "
    "instead; asks AWS nothing.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where --print writes to.")  # fmt: skip
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    plan: Path,
    *,
    yes: bool,
    detach_direct: bool,
    journal: Path | None,
    settle: float,
    printed: str | None,
    form: str,
    output: Path | None,
) -> int:
    """Carry out PLAN, a file from `straywatch plan`: groups first, then members.

    Nobody loses access in between. Repeat the command to go on after a failure; `straywatch undo`
    with the journal restores what was. Exit code without --yes: 1 if there is something to do.
    """
    if output is not None and printed is None:
        raise click.UsageError("-o goes with --print only")
    text = read(plan)
    loaded = load_plan(text, str(plan))
    if printed is not None:
        refuse_if_harmful(loaded)
        if detach_direct and printed != "cli":
            raise click.UsageError(
                f"--print {printed} removes no direct policies: leave --detach-direct out, and "
                "use it with --yes once that is deployed"
            )
        forms = {
            "cli": lambda: as_cli(loaded, detach_direct=detach_direct, settle=settle),
            "cloudformation": lambda: as_cloudformation(loaded),
            "terraform": lambda: as_terraform(loaded),
        }
        write(forms[printed](), output)
        return EXIT_FINE
    place = journal or plan.with_name(plan.name + ".journal")
    if yes:
        return _apply(
            ctx, loaded, text, place, detach_direct=detach_direct, settle=settle, form=form
        )
    return _show(ctx, loaded, detach_direct=detach_direct, form=form, begun=place)


def _show(ctx: click.Context, plan: Plan, *, detach_direct: bool, form: str, begun: Path) -> int:
    context = aws_context(ctx)
    now = snapshot_of(context, iam_client(context), StepLines())
    if begun.is_file():
        with Journal.resume(begun) as journal:
            refuse_if_changed(plan, now, journal)
    else:
        refuse_if_changed(plan, now, None)
    refuse_if_harmful(plan)
    steps = remaining(plan, now, detach_direct=detach_direct)
    if form == "json":
        write(
            json.dumps({"applied": False, "steps": [s.to_data() for s in steps]}, indent=2) + "\n",
            None,
        )
    else:
        print_table("Steps", ("", "call", "group", "user", "policy"), _rows(steps))
        say(f"{len(steps)} steps to make; nothing was changed: repeat with --yes" if steps
            else "nothing to do")  # fmt: skip
    return EXIT_FOUND if steps else EXIT_FINE


def _rows(steps: list[Step]) -> list[tuple[object, ...]]:
    return [(n, s.kind, s.group, s.user, s.policy) for n, s in enumerate(steps, 1)]


def _apply(
    ctx: click.Context,
    plan: Plan,
    text: str,
    place: Path,
    *,
    detach_direct: bool,
    settle: float,
    form: str,
) -> int:
    tell = StepLines()
    context = aws_context(ctx)
    iam = iam_client(context)
    with Journal.begin(place, plan.before.account, plan_digest(text)) as journal:
        applied = apply_plan(
            plan,
            journal,
            iam,
            lambda: snapshot_of(context, iam, tell),
            detach_direct=detach_direct,
            settle=settle,
            sleep=time.sleep,
            tell=tell,
        )
    if form == "json":
        data = {"applied": True, "made": applied.made, "already": applied.already,
                "journal": str(place)}  # fmt: skip
        write(json.dumps(data, indent=2) + "\n", None)
    else:
        say(f"{applied.made} steps made, {applied.already} were made already; journal: {place}")
    return EXIT_FINE
