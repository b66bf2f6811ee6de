"""`straywatch least-privilege`: find grants of groups that are wider than they need be."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import click

from chalicelib.text import counted
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError, WrongUsageError
from straywatch.remediation.files.as_proposals import print_by_action, write_documents
from straywatch.remediation.printing import print_table, say, write
from straywatch.remediation.reading.account import iam_client, snapshot_of
from straywatch.remediation.reading.last_accessed import ServiceUse, read_service_use
from straywatch.remediation.reading.snapshot import Group, Snapshot
from straywatch.remediation.tightening.by_action import MARGINS, ActionReview, review_actions
from straywatch.remediation.tightening.least_privilege import GroupReview, review
from straywatch.remediation.tightening.use import CallLog
from straywatch.replay.documents import Broken, Foreign, Malformed, pieces
from straywatch.replay.files import LogSource, sources
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import StepLines

_EXAMPLES = """\b
Examples:
  straywatch least-privilege
  straywatch least-privilege --group admins --days 180 --format json
  straywatch least-privilege --group builders --from-logs logs/ --policies proposed/
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
@click.option(
    "--from-logs",
    "logs",
    multiple=True,
    metavar="PATH",
    help="Also propose by single actions, from CloudTrail logs of all regions; repeatable.",
)
@click.option(
    "--margin",
    type=click.Choice(list(MARGINS)),
    default="lists",
    show_default=True,
    help="With --from-logs: keep, besides what was used, what lists or reads in services in use.",
)
@click.option(
    "--policies",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="With --from-logs: write each proposed document here, for review.",
)
@format_option("table", "json")
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
    logs: tuple[str, ...],
    margin: str,
    folder: Path | None,
    form: str,
    output: Path | None,
) -> int:
    """Flag administrators, wildcards, ways to escalate and unused services; propose less.

    Changes nothing. Exit code 1 if anything is flagged.
    """
    if folder is not None and not logs:
        raise click.UsageError("--policies needs --from-logs")
    now = datetime.now(UTC)
    log = CallLog(now, days)
    tell = StepLines()
    for source in sources(logs):
        tell(f"reading {source.name}")
        _read_calls(source, log)
    if logs and not log.records:
        raise StraywatchError(f"the logs have no record of the last {days} days")
    context = aws_context(ctx)
    iam = iam_client(context)
    snapshot = snapshot_of(context, iam, tell)
    chosen = _chosen(snapshot, names)

    @cache
    def uses(arn: str) -> tuple[ServiceUse, ...]:
        return read_service_use(iam, arn, time.sleep, tell, actions=bool(logs))

    asked = None if no_last_accessed else uses
    reviews = review(snapshot, chosen, asked and (lambda g: asked(g.arn)), days, now)
    by_action = [
        review_actions(group, snapshot, log, asked(group.arn) if asked else (), margin)
        for group in (chosen if logs else ())
    ]
    text = json.dumps(_data(reviews, by_action, log, margin), indent=2) + "\n"
    if output is not None:
        write(text, output)
    if folder is not None:
        write_documents(by_action, folder)
    if form == "json":
        write(text, None)
    else:
        _tables(reviews, services=not logs)
        if logs:
            print_by_action(by_action, log, margin)
    return EXIT_FOUND if any(found.flags for found in reviews) else EXIT_FINE


def _read_calls(source: LogSource, log: CallLog) -> None:
    """Take every record of a log. What cannot be read could be a use: then there is no answer."""
    with source.open() as raw:
        for piece in pieces(raw):
            if isinstance(piece, Foreign):
                raise StraywatchError(f"{source.name} has EventBridge envelopes: name log files")
            if isinstance(piece, Malformed | Broken):
                if isinstance(piece, Broken) or piece.matters:
                    raise StraywatchError(f"{source.name} cannot be read whole: {piece.reason}")
            else:
                log.take(piece)


def _data(
    reviews: list[GroupReview], by_action: list[ActionReview], log: CallLog, margin: str
) -> dict[str, object]:
    data: dict[str, object] = {"groups": [asdict(found) for found in reviews]}
    if by_action:
        data["log"] = {"days": log.days, "margin": margin, **log.summary()}
        data["by_action"] = [asdict(found) for found in by_action]
    return data


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


def _tables(reviews: list[GroupReview], *, services: bool) -> None:
    print_table(
        "Wider than need be",
        ("group", "what", "policy", "detail"),
        ((f.group, f.kind, f.policy, f.detail) for found in reviews for f in found.flags),
    )
    for found in reviews:
        for proposal in found.proposals if services else ():
            say(f"{found.group}: {proposal.policy} without {', '.join(proposal.without)}:")
            click.echo(json.dumps(proposal.document, indent=2))
        if found.note:
            say(f"{found.group}: {found.note}")
    flags = sum(len(found.flags) for found in reviews)
    say(f"{counted(len(reviews), 'group')}, {counted(flags, 'thing')} flagged")
