"""`straywatch undo`: take back what a journal says was done."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from straywatch.errors import EXIT_FINE, EXIT_INCOMPLETE
from straywatch.remediation.applying.entries import Entry
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.undo import undo_journal
from straywatch.remediation.options import settle_option
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch undo plan.yaml.journal --dry-run
  straywatch undo plan.yaml.journal
"""


@click.command(epilog=_EXAMPLES)
@click.argument("journal", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would be taken back.")
@settle_option
@click.option("--yes", is_flag=True, help="Accepted for likeness with apply; undo asks nothing.")
@format_option("table", "json")
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    journal: Path,
    *,
    dry_run: bool,
    settle: float,
    yes: bool,  # noqa: ARG001 - options document themselves, and --yes only says so
    form: str,
) -> int:
    """Restore what was before JOURNAL, which `straywatch apply` kept.

    Takes back only what the journal did, found by ids, whatever was renamed since. Who cannot be
    restored whole keeps their groups, and is named at the end (exit 3); so is a group that serves
    others by now.
    """
    tell = StepLines()
    with Journal.resume(journal) as opened:
        if dry_run:
            return _show(opened.open_entries(), form)
        context = aws_context(ctx)
        iam = iam_client(context)
        result = undo_journal(
            opened,
            iam,
            lambda: snapshot_of(context, iam, tell),
            time.sleep,
            tell,
            settle=settle,
        )
    if form == "json":
        data = {"taken_back": result.taken_back, "left": result.left}
        write(json.dumps(data, indent=2) + "\n", None)
    else:
        print_table("Left as it is", ("who or what, and why",), ((text,) for text in result.left))
        say(f"{result.taken_back} steps taken back, {len(result.left)} left")
    return EXIT_INCOMPLETE if result.left else EXIT_FINE


def _show(entries: list[Entry], form: str) -> int:
    if form == "json":
        steps = [entry.step.to_data() for entry in entries]
        write(json.dumps({"would_take_back": steps}, indent=2) + "\n", None)
    else:
        print_table(
            "Would be taken back",
            ("call", "group", "user", "policy"),
            ((e.step.kind, e.step.group, e.step.user, e.step.policy) for e in entries),
        )
        say(f"{len(entries)} steps to take back; nothing was changed")
    return EXIT_FINE
