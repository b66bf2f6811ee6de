"""`straywatch exemptions`: who may be in no group, and why."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.adapters.parameters import read_parameter
from chalicelib.domain.exemptions import InvalidConfigurationError, parse
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.terminal.exemptions_file import read_exemptions
from straywatch.terminal.groups import HelpfulGroup
from straywatch.terminal.options import aws_context, aws_options
from straywatch.text import one_line

# https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
_LONGEST_STANDARD = 4096
_LONGEST_ADVANCED = 8192

_stage = click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


_EXAMPLES = """\b
Examples:
  straywatch exemptions check exemptions.json
  straywatch exemptions put exemptions.json
  straywatch exemptions show
"""


@click.group("exemptions", cls=HelpfulGroup, epilog=_EXAMPLES)
def command() -> None:
    """Show, check or store the document that exempts users, each with a reason."""


@command.command("check")
@_file
def check(file: Path) -> None:
    """Check a document without storing it; every fault is named."""
    rules = len(read_exemptions(file)[0].rules)
    click.echo(f"{file}: fine, {rules} exemption{'s' * (rules != 1)}")


@command.command("put")
@_file
@_stage
@aws_options
@click.pass_context
def put(ctx: click.Context, file: Path, stage: str | None) -> None:
    """Check a document and put it in force; the monitor reads it within seconds."""
    _, text = read_exemptions(file)
    size = len(text.encode())
    if size > _LONGEST_ADVANCED:
        raise WrongUsageError(
            f"{file} has {size} bytes; Parameter Store takes {_LONGEST_ADVANCED}: use patterns or "
            "paths in the place of single users, or tags"
        )
    session = aws_context(ctx).session
    name = output(deployed_stack(session, stage), "ConfigParameterName")
    session.client("ssm", config=RETRIES).put_parameter(
        Name=name,
        Value=text,
        Type="String",
        Overwrite=True,
        Tier="Advanced" if size > _LONGEST_STANDARD else "Standard",
        Description="Straywatch: who may be in no group, and why",
    )
    click.echo(f"stored in {name}; the next check and the next sweep follow it")


@command.command("show")
@_stage
@aws_options
@click.pass_context
def show(ctx: click.Context, stage: str | None) -> None:
    """Print the stored document, and say if it is refused."""
    session = aws_context(ctx).session
    name = output(deployed_stack(session, stage), "ConfigParameterName")
    text = read_parameter(session.client("ssm", config=RETRIES), name)
    if not text:
        click.echo(f"{name} is not there: users are exempt by tags alone", err=True)
        return
    click.echo(text)
    try:
        parse(text)
    except InvalidConfigurationError as error:
        raise StraywatchError(
            f"the monitor refuses this document and keeps to the last good one: {one_line(error)}"
        ) from error
