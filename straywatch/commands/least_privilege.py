"""`straywatch least-privilege`: find grants of groups that are wider than they need be."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from straywatch.errors import EXIT_FINE, EXIT_FOUND, WrongUsageError
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.remediation.reading.last_accessed import read_service_use
from straywatch.remediation.reading.snapshot import Group, Snapshot
from straywatch.remediation.tightening.least_privilege import GroupReview, review
from straywatch.terminal.options import aws_context, aws_options
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch least-privilege
  straywatch least-privilege --group admins --days 180 --format json
"""


@click.command(epilog=_EXAMPLES)
@click.option("--group", "names", multiple=True, help="Look at this group only; repeatable.")
@click.option(
    "--days",
    type=click.IntRange(min=1, max=400),
    default=90,
    show_default=True,
    help="A service no member used for so long counts as unused.",
)
@click.option("--no-last-accessed", is_flag=True, help="Do not ask IAM which services are used.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Write the findings and proposals (JSON) here.")  # fmt: skip
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    names: tuple[str, ...],
    days: int,
    no_last_accessed: bool,
    form: str,
    output: Path | None,
) -> int:
    """Flag administrators, wildcards, ways to escalate and unused services; propose less.

    Changes nothing. Exit code 1 if anything is flagged.
    """
    tell = StepLines()
    context = aws_context(ctx)
    iam = iam_client(context)
    snapshot = snapshot_of(context, iam, tell)
    reviews = review(
        snapshot,
        _chosen(snapshot, names),
        None if no_last_accessed else lambda g: read_service_use(iam, g.arn, time.sleep, tell),
        days,
        datetime.now(UTC),
    )
    text = json.dumps({"groups": [asdict(found) for found in reviews]}, indent=2) + "\n"
    if output is not None:
        write(text, output)
    if form == "json":
        write(text, None)
    else:
        _tables(reviews)
    return EXIT_FOUND if any(found.flags for found in reviews) else EXIT_FINE


def _chosen(snapshot: Snapshot, names: tuple[str, ...]) -> list[Group]:
    if not names:
        return list(snapshot.groups)
    found = []
    for name in names:
        group = snapshot.group(name)
        if group is None:
            raise WrongUsageError(f"there is no group {name}")
        found.append(group)
    return found


def _tables(reviews: list[GroupReview]) -> None:
    print_table(
        "Wider than need be",
        ("group", "what", "policy", "detail"),
        ((f.group, f.kind, f.policy, f.detail) for found in reviews for f in found.flags),
    )
    for found in reviews:
        for proposal in found.proposals:
            say(f"{found.group}: {proposal.policy} without {', '.join(proposal.without)}:")
            click.echo(json.dumps(proposal.document, indent=2))
        if found.note:
            say(f"{found.group}: {found.note}")
    flags = sum(len(found.flags) for found in reviews)
    say(f"{len(reviews)} groups, {flags} flagged")
