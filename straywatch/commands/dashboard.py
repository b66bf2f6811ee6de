"""`straywatch dashboard`: a page on this machine that shows how the account stands."""

from __future__ import annotations

import signal
import sys

import click

from straywatch.dashboard.server import serving
from straywatch.dashboard.source import DeploymentSource, shown
from straywatch.errors import EXIT_FINE
from straywatch.observing.reader import Pace
from straywatch.terminal.options import aws_context, aws_options
from straywatch.terminal.ports import listening_socket
from straywatch.terminal.signals import Stopped, stoppable

_EVERY_SECONDS = 5.0


_EXAMPLES = """\b
Examples:
  straywatch dashboard
  straywatch dashboard --stage test --port 8081
"""


@click.command("dashboard", epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free."
)
@aws_options
@click.pass_context
def command(ctx: click.Context, stage: str | None, port: int) -> int:
    """Show how the account and its monitor stand, live, on a page at 127.0.0.1.

    It reads with your own credentials, changes nothing, and asks AWS only while the page is
    looked at: a few calls every 5 seconds, however many look.
    """
    source = DeploymentSource(lambda: aws_context(ctx).session, stage, Pace())
    with listening_socket(port) as listener:
        source.read()  # what is wrong from the beginning is better said here than on a page
        try:
            with (
                stoppable(),
                shown(source, _EVERY_SECONDS) as what,
                serving(listener, what) as address,
            ):
                click.echo(f"ready: page={address}")
                sys.stdout.flush()
                click.echo("Ctrl-C ends it.", err=True)
                signal.pause()
        except Stopped:
            return EXIT_FINE
    return EXIT_FINE
