"""`straywatch pause`: people are told of nothing for some hours, and of all of it afterwards."""

from __future__ import annotations

from datetime import timedelta

import click

from chalicelib.domain.pauses import LONGEST, Pause
from chalicelib.times import in_utc, utc_now
from straywatch.errors import WrongUsageError
from straywatch.exempting.document import with_pause
from straywatch.findings.pausing import Pausing, paused_notice
from straywatch.terminal.durations import duration_seconds
from straywatch.terminal.options import aws_context, aws_options, require_reason

_EXAMPLES = """\b
Examples:
  straywatch pause --for 2h --reason 'OPS-12: moving users between groups'
  straywatch resume
"""


@click.command("pause", epilog=_EXAMPLES)
@click.option("--for", "lasts", required=True, help="How long: 30m, 2h; 24h at most.")
@click.option("--reason", required=True, help="Why: everybody who gets alerts is told.")
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@aws_options
@click.pass_context
def command(ctx: click.Context, lasts: str, reason: str, stage: str | None) -> None:
    """Hold all alerts on findings for some hours; it ends by itself.

    Users are looked at as ever, findings open and close. People and machines are told of them when
    the pause ends. Who pauses, until when and why is told at once. A pause in force is replaced.
    """
    seconds = duration_seconds(lasts)
    if not 0 < seconds <= LONGEST.total_seconds():
        raise WrongUsageError(f"--for {lasts}: a pause lasts for 24h at most; repeat it if need be")
    require_reason(reason)
    pausing = Pausing(aws_context(ctx).session, stage)
    now = utc_now().replace(microsecond=0)
    pause = Pause(now, now + timedelta(seconds=seconds), reason, pausing.who())
    text = with_pause(pausing.stored(), pause)
    pausing.tell(paused_notice(pausing.account, pause))  # first: nothing is held in secret
    pausing.store(text)
    click.echo(
        f"paused until {in_utc(pause.until)}; what happens is kept, and told then. "
        "Sooner: straywatch resume"
    )
