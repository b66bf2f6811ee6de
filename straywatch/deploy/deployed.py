"""A deployment that exists: its stack, found by its stage, or one line that it is not there."""

from __future__ import annotations

import boto3
import click

from straywatch import __version__
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.settings import stack_name
from straywatch.deploy.stack import Absent, Stack, read_stack
from straywatch.errors import StraywatchError
from straywatch.text import one_line


def deployed_stack(session: boto3.Session, stage: str | None) -> Stack:
    """Read the stack of `stage`. Raises StraywatchError where there is none, and ClientError."""
    name = stack_name(stage)
    stack = read_stack(session.client("cloudformation", config=RETRIES), name)
    if isinstance(stack, Absent):
        raise StraywatchError(
            f"there is no stack {name} in {session.region_name}: deploy it with `straywatch deploy`"
            ", or name its --stage and --region"
        )
    _tell_other_version(stack)
    return stack


def _tell_other_version(stack: Stack) -> None:
    deployed = stack.outputs.get("Version", __version__)
    if deployed != __version__:
        click.echo(
            f"straywatch: stack {stack.name} is of version {one_line(deployed)}, this command of "
            f"{__version__}: update the older one",
            err=True,
        )


def output(stack: Stack, key: str) -> str:
    """One output of the stack. Raises StraywatchError if it is too old, or unfinished, for it."""
    if key not in stack.outputs:
        raise StraywatchError(
            f"stack {stack.name} ({stack.status}) has no output {key}: deploy this version first"
        )
    return stack.outputs[key]
