"""`straywatch local`: an AWS on this machine that runs the packaged application."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import click
from botocore.exceptions import BotoCoreError
from rich.console import Console

from chalicelib.settings import LONGEST_GRACE_SECONDS
from straywatch.alert_path.delivered import Delivery
from straywatch.dashboard.server import serving
from straywatch.dashboard.source import DeploymentSource, shown
from straywatch.deploy.deployment import deploy
from straywatch.deploy.packaging import SOURCES, build
from straywatch.deploy.stack import DEFAULT_NAME
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError, WrongUsageError
from straywatch.local.emulator.process import LocalAws, running_emulator
from straywatch.local.emulator.session import REGION, LocalSession
from straywatch.local.emulator.surroundings import complete
from straywatch.local.receivers.inbox import READER, Inbox, open_inbox
from straywatch.local.story.player import Player
from straywatch.local.story.script import STORY
from straywatch.local.story.stage import Terminal
from straywatch.observing.reader import LOCAL
from straywatch.terminal.options import debug_option
from straywatch.terminal.ports import listening_socket
from straywatch.terminal.signals import Stopped, stoppable

SHORTEST_STORY_GRACE = 3
"""Below this, a person's "in time" (two calls, a second apart) would not be in time."""

_LONGEST_PACE = 1.0
_POLL_SECONDS = 0.2  # the emulator's CloudFormation needs no longer for a step
_TRY = (
    "aws iam create-user --user-name frank",
    "aws iam list-groups-for-user --user-name frank",
    "aws iam create-group --group-name admins",
    "aws iam add-user-to-group --user-name frank --group-name admins",
)
_PAGE_SECONDS = 1.0
_PORT = click.IntRange(0, 65535)


@dataclass(frozen=True)
class Running:
    """All that is up: the emulator, the deployed stack and the inbox on its topic."""

    aws: LocalAws
    inbox: Inbox
    page: str


_EXAMPLES = """\b
Examples:
  straywatch local
  straywatch local --story --grace 20
  straywatch local --once
  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1
  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test   (in another terminal)
"""


@click.command("local", epilog=_EXAMPLES)
@click.option("--port", type=_PORT, default=4566, show_default=True, help="0: any free one.")
@click.option(
    "--grace",
    type=click.IntRange(0, LONGEST_GRACE_SECONDS),
    default=10,
    show_default=True,
    help="Grace period in seconds.",
)
@click.option("--page-port", type=_PORT, default=8080, show_default=True, help="0: any free one.")
@click.option("--story", "tell", is_flag=True, help="Play the demo story, then stay up.")
@click.option("--once", is_flag=True, help="Play the demo story and end: 0 if all went right.")
@click.option(
    "--channels/--no-channels",
    default=None,
    help="Pager, chat, SMS, Security Hub and event bus beside mail; default: unless --once.",
)
@debug_option
def command(
    *, port: int, grace: int, page_port: int, tell: bool, once: bool, channels: bool | None
) -> int:
    """Run an AWS on 127.0.0.1 with the packaged application in it, until Ctrl-C.

    It starts empty each time and leaves nothing behind. Any AWS client can play against it.
    """
    _require_installed()
    tell = tell or once
    if tell and grace < SHORTEST_STORY_GRACE:
        raise WrongUsageError(f"the story needs a grace of {SHORTEST_STORY_GRACE} s or more")
    terminal = Terminal(Console(stderr=True))
    with_channels = not once if channels is None else channels
    running_all = _running(port, grace, page_port, terminal, with_channels=with_channels)
    try:
        with stoppable(), running_all as running:
            if tell and not _play(running, grace, terminal) and once:
                return EXIT_FOUND
            if not once:
                terminal.invite(running.aws.environment(), _TRY, running.page)
                _stay(running, terminal)
    except Stopped:
        terminal.progress("stopped")
    return EXIT_FINE


def _require_installed() -> None:
    """Raise StraywatchError where the extra is missing of which the emulator's process is made."""
    if find_spec("ministack") is None:
        raise StraywatchError(
            "the embedded AWS is not installed: install straywatch[local] "
            "(`pipx install 'straywatch[local]'`)"
        )


@contextmanager
def _running(
    port: int, grace: int, page_port: int, terminal: Terminal, *, with_channels: bool
) -> Iterator[Running]:
    with ExitStack() as stack:
        listener = stack.enter_context(listening_socket(page_port))
        terminal.progress("starting the embedded AWS")
        aws = stack.enter_context(running_emulator(port))
        session = aws.session()
        got: Callable[[], Sequence[Delivery]] = tuple
        if with_channels:
            from straywatch.local.receivers.channels import open_channels  # noqa: PLC0415 - it needs the extra, which --help does not

            channels = stack.enter_context(open_channels(session, terminal.channel))
            outputs = _deploy(session, grace, channels.parameters, terminal)
            channels.subscribe(outputs)
            got = channels.deliveries
        else:
            outputs = _deploy(session, grace, {}, terminal)
        inbox = open_inbox(session, outputs["AlertTopicArn"])
        source = DeploymentSource(aws.session, None, LOCAL)
        what = shown(source, _PAGE_SECONDS, alerts=lambda: tuple(inbox.alerts), deliveries=got)
        page = stack.enter_context(serving(listener, stack.enter_context(what)))
        ready = f"endpoint={aws.endpoint} stack={DEFAULT_NAME} region={REGION} page={page}"
        click.echo(f"ready: {ready}")
        sys.stdout.flush()
        yield Running(aws, inbox, page)


def _deploy(
    session: LocalSession, grace: int, channels: Mapping[str, str], terminal: Terminal
) -> Mapping[str, str]:
    with tempfile.TemporaryDirectory(prefix="straywatch-package-") as out:
        with terminal.busy("packaging the application"):
            package = build(SOURCES, Path(out))
        with terminal.busy("deploying it through a change set") as progress:
            outputs = deploy(
                session,
                package,
                DEFAULT_NAME,
                {"GracePeriodSeconds": str(grace), "AlertEmail": READER, **channels},
                progress=progress,
                approve=lambda _: True,
                sleep=lambda seconds: time.sleep(min(seconds, _POLL_SECONDS)),
            )
            complete(session, DEFAULT_NAME, package)
            return outputs


def _play(running: Running, grace: int, terminal: Terminal) -> bool:
    player = Player(
        iam=running.aws.session().client("iam"),
        inbox=running.inbox,
        stage=terminal,
        grace=grace,
        pace=min(_LONGEST_PACE, grace / 6),
    )
    verdict = player.play(STORY)
    terminal.verdict(verdict)
    return verdict.as_expected


def _stay(running: Running, terminal: Terminal) -> None:
    while True:
        try:
            arrived = running.inbox.poll()
        except BotoCoreError:
            running.aws.check_alive()  # its end is the better explanation
            raise
        for alert in arrived:
            terminal.alert(alert)
