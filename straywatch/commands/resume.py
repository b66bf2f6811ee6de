"""`straywatch resume`: a pause ends now, and what it held back is told."""

from __future__ import annotations

import click

from chalicelib.text import counted
from chalicelib.times import utc_now
from straywatch.errors import WrongUsageError
from straywatch.exempting.document import pause_in, with_pause
from straywatch.findings.pausing import Pausing, resumed_notice
from straywatch.terminal.options import aws_context, aws_options


@click.command("resume", epilog="\b\nExample:\n  straywatch resume")
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@aws_options
@click.pass_context
def command(ctx: click.Context, stage: str | None) -> None:
    """End a pause before its time, and have what it held back told by a sweep."""
    pausing = Pausing(aws_context(ctx).session, stage)
    text = pausing.stored()
    pause = pause_in(text, utc_now())
    if pause is None:
        raise WrongUsageError("no pause is in force: nothing is held back by one")
    pausing.store(with_pause(text, None))
    pausing.tell(resumed_notice(pausing.account, pausing.who()))
    released = pausing.release()
    pausing.sweep()
    click.echo(f"resumed; {counted(released, 'finding')} had alerts held back, told by the sweep")
