"""`straywatch watch`: events, graces running down and alerts, live in the terminal."""

from __future__ import annotations

import sys
import time

import click
from rich.console import Console

from straywatch.dashboard.source import DeploymentSource
from straywatch.errors import EXIT_FINE
from straywatch.observing.reader import Pace
from straywatch.terminal.options import aws_context, aws_options
from straywatch.terminal.pipes import require_reader
from straywatch.terminal.signals import Stopped, stoppable
from straywatch.watching.follower import Follower
from straywatch.watching.lines import Lines
from straywatch.watching.screen import Screen

_EVERY_SECONDS = 3.0


_EXAMPLES = """\b
Examples:
  straywatch watch
  straywatch watch --stage test | tee rollout.log
"""


@click.command("watch", epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@aws_options
@click.pass_context
def command(ctx: click.Context, stage: str | None) -> int:
    """Follow events, graces running down and alerts, until Ctrl-C.

    Where standard output is no terminal, each thing that happens is printed as a line.
    """
    source = DeploymentSource(lambda: aws_context(ctx).session, stage, Pace())
    source.read()  # what is wrong from the beginning ends it here
    follower = Follower(source.read)
    show = Screen(Console()) if sys.stdout.isatty() else Lines(click.echo)
    try:
        with stoppable(), show.running():
            next_read = 0.0
            while True:
                if time.monotonic() >= next_read:
                    follower.step()
                    next_read = time.monotonic() + _EVERY_SECONDS
                show.draw(follower)
                require_reader()
                time.sleep(0.25)
    except Stopped:
        return EXIT_FINE
