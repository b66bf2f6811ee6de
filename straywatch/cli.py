"""The command line: finds the command, runs it, and turns every failure into one line."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from typing import Any, NoReturn

import click

from straywatch import __version__
from straywatch.errors import EXIT_FINE, EXIT_INCOMPLETE, EXIT_USAGE, StraywatchError, explain
from straywatch.terminal.config import credentials_of, defaults_of, read_config
from straywatch.terminal.groups import HelpfulGroup
from straywatch.terminal.help_pages import WholeWords
from straywatch.terminal.pipes import ReaderLeft, heedless_output
from straywatch.text import one_line

COMMANDS = {
    "local": "An AWS on this machine that runs the packaged application.",
    "audit": "Look at every user of an account now; needs no deployment.",
    "package": "Pack the monitor: its template and its code archive.",
    "deploy": "Deploy the monitor, or update it; every change is shown first.",
    "doctor": "Is a deployment able to hear, look, remember and speak?",
    "sweep": "Look at the whole account now.",
    "test-alert": "Send a marked alert, and say who gets it.",
    "drill": "Prove the deployment: make a stray, see it told of, see it closed.",
    "findings": "What was found: listed, or one whole life.",
    "check": "Evaluate single users now, and say why.",
    "dashboard": "A page on this machine that shows how the account stands, live.",
    "watch": "The same in the terminal.",
    "report": "The evidence of a period in one file, for an auditor.",
    "org": "Every account of an organization, watched from one.",
    "exemptions": "Who may be in no group, and why.",
    "pause": "Hold alerts for some hours; what happens is told afterwards.",
    "resume": "End a pause before its time.",
    "redrive": "What could not be processed, why, and once more.",
    "replay": "Tell which alerts the past would have brought, by grace period.",
    "plan": "Propose groups for strays, and what they replace.",
    "apply": "Carry out a plan: groups, then members; shown first.",
    "undo": "Take back what an apply did, by its journal.",
    "verify": "Check that after a plan access is as intended.",
    "least-privilege": "Find grants of groups that are wider than they need be.",
    "destroy": "Remove the monitor, keeping its findings.",
    "completion": "Print the script that completes commands in a shell.",
}
"""Each command and its one-line help; the code is `straywatch.commands.NAME:command`."""


class LazyGroup(HelpfulGroup):
    """A group that imports a command only when it is asked for, so that help comes at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command, or None so that click says it does not exist."""
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"straywatch.commands.{cmd_name.replace('-', '_')}")
        except ModuleNotFoundError as error:
            raise StraywatchError(
                f"{error.name} is not installed, which `straywatch {cmd_name}` needs: "
                "install straywatch[local]"
            ) from error
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


click.Context.formatter_class = WholeWords  # for every command; click has no setting for it


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="straywatch %(version)s")
@click.option("--profile", help="Credentials profile, as in ~/.aws/config.")
@click.option("--region", help="AWS region; default: the profile's.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.pass_context
def cli(ctx: click.Context, profile: str | None, region: str | None, *, debug: bool) -> None:
    """Notice IAM users who are in no group, alert, and help to fix it.

    Exit codes: 0 fine, 1 strays or problems found, 2 wrong usage, 3 could not complete.
    Settings: ~/.config/straywatch/config.toml may hold stage, profile, region and exemptions.
    """
    config = read_config(os.environ)
    own = credentials_of(config, os.environ)
    ctx.obj = {
        "profile": profile or own.get("profile"),
        "region": region or own.get("region"),
        "debug": debug,
    }
    ctx.default_map = defaults_of(config, COMMANDS)


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the four documented codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name from others fits every locale
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(arguments: list[str]) -> int:
    """Run one command; every failure becomes one line on stderr and an exit code.

    Where the reader of its output has left, the rest is dropped and the exit code still tells.
    """
    with heedless_output():
        try:
            return _completed(arguments)
        except ReaderLeft:
            return EXIT_FINE
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else "straywatch"
            return _fail(f"{error.format_message()} (see `{where} --help`)", EXIT_USAGE)
        except click.ClickException as error:
            return _fail(error.format_message(), EXIT_USAGE)
        except (click.Abort, KeyboardInterrupt):
            return _fail("interrupted", EXIT_INCOMPLETE)
        except Exception as error:  # noqa: BLE001 - an operator gets one line, not fifty
            if "--debug" in arguments:
                traceback.print_exception(error)
            code = error.exit_code if isinstance(error, StraywatchError) else EXIT_INCOMPLETE
            return _fail(explain(error), code)


def _completed(arguments: list[str]) -> int:
    """Run the command to its end, and its output to its reader."""
    result: Any = cli.main(args=arguments, prog_name="straywatch", standalone_mode=False)
    sys.stdout.flush()  # a full disk is told here, where it can be
    return result if isinstance(result, int) else EXIT_FINE


def _fail(message: str, code: int) -> int:
    click.echo(f"straywatch: {one_line(message)}", err=True)
    return code
