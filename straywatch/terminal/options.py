"""Options that several commands share, so that they read and behave alike everywhere."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from chalicelib.domain.exemptions import is_placeholder
from straywatch.aws.sessions import AwsContext
from straywatch.errors import WrongUsageError
from straywatch.terminal.files import written_to

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> object:
    root = ctx.find_root()
    if value and isinstance(root.obj, dict) and param.name:
        root.obj[param.name] = value
    return value


def debug_option(function: F) -> F:
    """Accept `--debug` behind the command's name, too."""
    option = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show the traceback of a failure.",
    )
    return option(function)


def aws_options(function: F) -> F:
    """Accept `--profile`, `--region` and `--debug` behind the command's name, too."""
    profile = click.option(
        "--profile",
        expose_value=False,
        callback=_remember,
        help="Credentials profile, as in ~/.aws/config.",
    )
    return profile(region_and_debug_options(function))


def region_and_debug_options(function: F) -> F:
    """Accept `--region` and `--debug` behind the command's name, too."""
    for option in (
        debug_option,
        click.option(
            "--region",
            expose_value=False,
            callback=_remember,
            help="AWS region; default: the profile's.",
        ),
    ):
        function = option(function)
    return function


def output_option(function: F) -> F:
    """Accept `--output FILE`: what would go to standard output is written there, whole or not."""

    @wraps(function)
    def writing(*args: Any, output: Path | None, **kwargs: Any) -> Any:  # noqa: ANN401 - any command
        with written_to(output):
            return function(*args, **kwargs)

    option = click.option(
        "--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write to FILE."
    )
    return cast("F", option(writing))


def format_option(*forms: str) -> Callable[[F], F]:
    """Accept `--format`, as `form`: one of these, the first unless told otherwise."""
    chosen = click.Choice(forms)
    return click.option("--format", "form", type=chosen, default=forms[0], show_default=True)


def require_reason(reason: str) -> None:
    """Raise WrongUsageError if what `--reason` gives is a placeholder, or nothing."""
    if is_placeholder(reason):
        raise WrongUsageError(f"--reason must say why, and {reason[:40]!r} does not")


def aws_context(ctx: click.Context) -> AwsContext:
    """Build the session that the options name. Raises ProfileNotFound."""
    chosen = ctx.find_root().obj
    return AwsContext(profile=chosen["profile"], region=chosen["region"])
