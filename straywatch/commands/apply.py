"""`straywatch apply`: carry out a plan, or print it for another pipeline."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from straywatch.errors import EXIT_FINE, EXIT_FOUND, WrongUsageError
from straywatch.remediation.applying.application import (
    apply_plan,
    plan_digest,
    refuse_if_changed,
    refuse_if_harmful,
    remaining,
)
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.steps import Step
from straywatch.remediation.files.as_cli import as_cli
from straywatch.remediation.files.as_cloudformation import as_cloudformation
from straywatch.remediation.files.as_summary import as_summary
from straywatch.remediation.files.as_terraform import as_terraform
from straywatch.remediation.files.planfile import load_plan
from straywatch.remediation.options import settle_option
from straywatch.remediation.planning import rollout
from straywatch.remediation.planning.plan import Plan
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.terminal.files import read
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch apply plan.yaml
  straywatch apply plan.yaml --yes
  straywatch apply plan.yaml --print summary -o plan.md
  straywatch apply plan.yaml --approve DIGEST --only 'team-*' --batch 10 --pause 600
  straywatch apply plan.yaml --print cloudformation -o groups.json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("plan", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option(
    "--approve",
    metavar="DIGEST",
    help="Make the changes, if PLAN is the very one with this digest (see --print summary).",
)
@click.option(
    "--only", multiple=True, metavar="PATTERN", help="Users to carry it out for, as team-*."
)
@click.option(
    "--batch",
    type=click.IntRange(min=1),
    metavar="N",
    help="So many users at a time, each batch wholly done and verified before the next.",
)
@click.option(
    "--pause",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait between two batches; interrupt to stop there, repeat the command to go on.",
)
@click.option(
    "--detach-direct",
    is_flag=True,
    help="At the end, once verified, remove the direct policies that the groups replace.",
)
@click.option("--journal", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where to note what is done; default: PLAN.journal.")  # fmt: skip
@settle_option
@click.option(
    "--print",
    "printed",
    type=click.Choice(["summary", "cli", "cloudformation", "terraform"]),
    help="Print a summary to sign (Markdown), a script for the AWS CLI, a CloudFormation template "
    "or a Terraform configuration instead; asks AWS nothing.",
)
@format_option("table", "json")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Where --print writes to.")  # fmt: skip
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    plan: Path,
    *,
    yes: bool,
    approve: str | None,
    only: tuple[str, ...],
    batch: int | None,
    pause: float,
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
    if pause and batch is None:
        raise click.UsageError("--pause goes with --batch only")
    text = read(plan)
    digest = plan_digest(text)
    if approve is not None and approve.strip().lower() != digest:
        raise WrongUsageError(
            f"{plan} is not the plan that was approved: its digest is {digest}. Review it again"
        )
    loaded = rollout.only(load_plan(text, str(plan)), only)
    if printed is not None:
        refuse_if_harmful(loaded)
        if detach_direct and printed != "cli":
            raise click.UsageError(
                f"--print {printed} removes no direct policies: leave --detach-direct out, and "
                "use it with --yes once that is deployed"
            )
        forms = {
            "summary": lambda: as_summary(loaded, digest),
            "cli": lambda: as_cli(loaded, detach_direct=detach_direct, settle=settle),
            "cloudformation": lambda: as_cloudformation(loaded),
            "terraform": lambda: as_terraform(loaded),
        }
        write(forms[printed](), output)
        return EXIT_FINE
    place = journal or plan.with_name(plan.name + ".journal")
    if not yes and approve is None:
        return _show(ctx, loaded, digest, detach_direct=detach_direct, form=form, begun=place)
    tell = StepLines()
    context = aws_context(ctx)
    iam = iam_client(context)
    made = already = 0
    with Journal.begin(place, loaded.before.account, digest) as kept:
        for number, part in enumerate(rollout.batches(loaded, batch)):
            if number and pause:
                tell(f"waiting {pause:g} s before the next batch")
                time.sleep(pause)
            applied = apply_plan(
                part,
                kept,
                iam,
                lambda: snapshot_of(context, iam, tell),
                detach_direct=detach_direct,
                settle=settle,
                sleep=time.sleep,
                tell=tell,
            )
            made, already = made + applied.made, already + applied.already
    _report(made, already, place, form)
    return EXIT_FINE


def _show(
    ctx: click.Context, plan: Plan, digest: str, *, detach_direct: bool, form: str, begun: Path
) -> int:
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
            json.dumps(
                {"applied": False, "digest": digest, "steps": [s.to_data() for s in steps]},
                indent=2,
            )
            + "\n",
            None,
        )
    else:
        print_table("Steps", ("", "call", "group", "user", "policy"), _rows(steps))
        _say_what_is_to_do(plan, digest, len(steps))
    return EXIT_FOUND if steps else EXIT_FINE


def _say_what_is_to_do(plan: Plan, digest: str, steps: int) -> None:
    if not steps:
        say("nothing to do")
        return
    gaining = sum(bool(user.gains) for user in plan.users)
    say(f"digest {digest}; {len(plan.users)} users, of whom {gaining} gain something")
    say(f"{steps} steps to make; nothing was changed: repeat with --yes, or --approve DIGEST")


def _rows(steps: list[Step]) -> list[tuple[object, ...]]:
    return [(n, s.kind, s.group, s.user, s.policy) for n, s in enumerate(steps, 1)]


def _report(made: int, already: int, place: Path, form: str) -> None:
    if form == "json":
        data = {"applied": True, "made": made, "already": already, "journal": str(place)}
        write(json.dumps(data, indent=2) + "\n", None)
    else:
        say(f"{made} steps made, {already} were made already; journal: {place}")
