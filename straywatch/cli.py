"""The command line: finds the command, runs it, and turns every failure into one line."""

from __future__ import annotations

import importlib
import sys
from typing import Any, NoReturn

import click
from botocore.exceptions import BotoCoreError, ClientError

from straywatch import __version__
from straywatch.errors import EXIT_INCOMPLETE, EXIT_USAGE, StraywatchError, explain
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
    "exemptions": "Who may be in no group, and why.",
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


class LazyGroup(click.Group):
    """A group that imports a command only when it is asked for, so that help comes at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every command, in the order in which a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return the command, or None so that click says it does not exist."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"straywatch.commands.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="straywatch", message="%(prog)s %(version)s")
@click.option("--profile", help="Credentials profile, as in ~/.aws/config.")
@click.option("--region", help="AWS region; default: the profile's.")
@click.option("--debug", is_flag=True, help="Show the traceback of a failure.")
@click.pass_context
def cli(ctx: click.Context, profile: str | None, region: str | None, *, debug: bool) -> None:
    """Notice IAM users who are in no group, alert, and help to mend it.

    Exit codes: 0 fine, 1 strays or problems found, 2 wrong usage, 3 could not complete.
    """
    ctx.obj = {"profile": profile, "region": region, "debug": debug}


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with one of the four documented codes."""
    arguments = sys.argv[1:] if argv is None else argv
    sys.exit(run(arguments))


def run(arguments: list[str]) -> int:
    """Run one command; every failure becomes one line on stderr and an exit code."""
    try:
        result: Any = cli.main(args=arguments, prog_name="straywatch", standalone_mode=False)
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "straywatch"
        return _fail(f"{error.format_message()} (see `{where} --help`)", EXIT_USAGE)
    except click.ClickException as error:
        return _fail(error.format_message(), EXIT_USAGE)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", EXIT_INCOMPLETE)
    except BrokenPipeError:
        sys.stdout = None  # the reader has left: nothing more can be flushed to it
        return EXIT_INCOMPLETE
    except StraywatchError as error:
        _reraise_for_debug(arguments)
        return _fail(str(error), error.exit_code)
    except (BotoCoreError, ClientError) as error:
        _reraise_for_debug(arguments)
        return _fail(explain(error), EXIT_INCOMPLETE)
    except OSError as error:
        _reraise_for_debug(arguments)
        return _fail(one_line(error), EXIT_INCOMPLETE)
    return result if isinstance(result, int) else 0


def _reraise_for_debug(arguments: list[str]) -> None:
    if "--debug" in arguments:
        raise  # noqa: PLE0704 - called from except blocks only


def _fail(message: str, code: int) -> int:
    click.echo(f"straywatch: {one_line(message)}", err=True)
    return code
