"""`straywatch replay`: which alerts the past would have brought, for several grace periods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import click

from chalicelib.domain.partitions import HOME_REGIONS
from chalicelib.times import parse_time
from straywatch.aws.identity import own_account
from straywatch.aws.pacing import TokenBucket
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.settings import grace_seconds
from straywatch.errors import EXIT_FINE, EXIT_INCOMPLETE, StraywatchError
from straywatch.replay.documents import Piece, pieces
from straywatch.replay.figures import figures
from straywatch.replay.files import CountedReader, LogSource, sources
from straywatch.replay.formats import Replay, write
from straywatch.replay.history import ReplayTotals, stretches
from straywatch.replay.intake import Intake, Tally
from straywatch.replay.lookup import CALLS_A_SECOND, LONGEST_DAYS, looked_up
from straywatch.replay.store import Store
from straywatch.terminal.options import aws_context, aws_options, format_option, output_option
from straywatch.terminal.progress import share_bar
from straywatch.text import one_line

DEFAULT_GRACES = ("0", "5m", "15m", "1h", "1d")

_EXAMPLES = """\b
Examples:
  straywatch replay --from-account --days 90
  aws s3 sync s3://BUCKET/AWSLogs/111122223333/CloudTrail/us-east-1 logs
  straywatch replay logs --grace 15m --grace 1h --grace 1d
  aws cloudtrail lookup-events --lookup-attributes \\
      AttributeKey=EventName,AttributeValue=CreateUser | straywatch replay -
  straywatch replay logs --format json | jq '.graces[] | {grace_seconds, alerts}'

\b
Exit codes: 0 told, 2 wrong usage, 3 nothing, or not every source and every record, could be read.
"""


@click.command(epilog=_EXAMPLES)
@click.argument("paths", nargs=-1, metavar="FILE-OR-FOLDER...")
@click.option(
    "--grace",
    "graces",
    multiple=True,
    help=f"A grace period to compare (900, 15m, 1h, 7d); repeatable. "
    f"Default: {', '.join(DEFAULT_GRACES)}.",
)
@click.option("--from-account", is_flag=True, help="Ask the account's own CloudTrail history.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_DAYS),
    help=f"With --from-account: how far back; default: {LONGEST_DAYS}.",
)
@click.option(
    "--longest",
    "limit",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    help="How many stretches a table shows; json and csv hold all.",
)
@format_option("table", "json", "csv")
@output_option
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    paths: tuple[str, ...],
    graces: tuple[str, ...],
    days: int | None,
    limit: int,
    form: str,
    from_account: bool,
) -> int:
    """Tell which alerts the past would have brought, side by side for several grace periods.

    Reads CloudTrail logs as S3 keeps them (gzip or not), the output of `aws cloudtrail
    lookup-events`, EventBridge envelopes and single records, also line by line; `-` is standard
    input. Needs no credentials except for --from-account (cloudtrail:LookupEvents), and changes
    nothing.
    """
    if not paths and not from_account:
        raise click.UsageError("name a file or a folder, or add --from-account")
    if days and not from_account:
        raise click.UsageError("--days needs --from-account")
    seconds = tuple(sorted({grace_seconds(grace) for grace in graces or DEFAULT_GRACES}))
    files = sources(paths)
    now = datetime.now(UTC)
    with closing(Store()) as store:
        intake = Intake(store, now)
        _read_files(files, intake)
        if from_account:
            _read_account(ctx, intake, days or LONGEST_DAYS)
        _require_something(intake.tally)
        facts = ReplayTotals()
        for stretch in stretches(store.events(), _ends(intake.tally), facts):
            store.add_stretch(stretch)
        compared = tuple(figures(store, grace) for grace in seconds)
        write(Replay(intake.tally, facts, compared, store), form, limit)
    return _verdict(intake.tally)


def _read_files(files: list[LogSource], intake: Intake) -> None:
    total = sum(source.size for source in files)
    with share_bar("Reading logs") as show:
        done = 0

        def count(read: int) -> None:
            nonlocal done
            done += read
            show(min(1.0, done / total) if total else 0.0)

        for source in files:
            intake.take(source.name, _pieces(source, count))


def _pieces(source: LogSource, count: Callable[[int], None]) -> Iterator[Piece]:
    with source.open() as raw, closing(CountedReader(raw, count)) as counted:
        yield from pieces(counted)  # type: ignore[arg-type]  # a raw stream reads as a binary one


def _read_account(ctx: click.Context, intake: Intake, days: int) -> None:
    """Ask where IAM's events are kept, whatever region the credentials prefer."""
    session = aws_context(ctx).session
    home = HOME_REGIONS.get(own_account(session).partition, session.region_name)
    client = session.client("cloudtrail", region_name=home, config=RETRIES)
    pace = TokenBucket(rate=CALLS_A_SECOND, burst=1)
    with share_bar(f"Asking CloudTrail in {home}") as show:
        intake.take("the account", looked_up(client, pace, intake.now, days, show))


def _require_something(tally: Tally) -> None:
    if not tally.records:
        reason = tally.problems[0] if tally.problems else "there is no record in it"
        raise StraywatchError(f"nothing could be read: {reason}")


def _ends(tally: Tally) -> dict[str, datetime]:
    """Where each account's log ends."""
    ends = {}
    for account, (_, last) in tally.spans.items():
        try:
            ends[account] = parse_time(last)
        except ValueError:
            continue  # of the right length, yet no time; the record itself was refused
    return ends


def _verdict(tally: Tally) -> int:
    """Say on stderr what could not be read, and choose the exit code."""
    for problem in tally.problems:
        click.echo(f"straywatch: left out: {one_line(problem)}", err=True)
    return EXIT_INCOMPLETE if tally.broken or tally.refused else EXIT_FINE
