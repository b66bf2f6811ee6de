"""`straywatch watch`: events, graces running down and alerts, live in the terminal."""

from __future__ import annotations

import sys
from datetime import timedelta

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

_EVERY = timedelta(seconds=3)
_A_LOOK_SECONDS = 0.25


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
    """Follow open strays, graces running down and all that happens, until q or Ctrl-C.

    Times are UTC. Where standard output is no terminal, each thing that happens is printed as a
    line.
    """
    source = DeploymentSource(lambda: aws_context(ctx).session, stage, Pace())
    source.read()  # what is wrong from the beginning ends it here
    follower = Follower(source.read)
    show = Screen(Console()) if sys.stdout.isatty() else Lines(click.echo)
    try:
        with stoppable(), follower.running(_EVERY), show.running():
            while follower.broken is None:
                show.draw(follower)
                require_reader()
                show.wait(_A_LOOK_SECONDS)
            raise follower.broken
    except Stopped:
        return EXIT_FINE
