"""`straywatch sweep`: look at the whole account now instead of at the next hour."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from straywatch.aws.invoking import counts_in, invoked
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.progress import waiting

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

_COUNTS = (
    *("users", "compliant", "exempt", "strays"),
    *("opened", "gone", "missed_events", "complete"),
)

_EXAMPLES = """\b
Examples:
  straywatch sweep
  straywatch sweep --format json | jq .strays

\b
Exit codes: 0 no strays, 1 strays found, 2 wrong usage, 3 the sweep failed or is unfinished.
"""


@click.command("sweep", epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@format_option("table", "json")
@aws_options
@click.pass_context
def command(ctx: click.Context, stage: str | None, form: str) -> int:
    """Have the deployed monitor look at every user of the account now."""
    session = aws_context(ctx).session
    function = output(deployed_stack(session, stage), "SweepFunctionName")
    with waiting("The monitor looks at every user"):
        result = counts(invoked(session, function, {}))
    if form == "json":
        click.echo(json.dumps(result))
    else:
        click.echo(_sentence(result))
    if not result["complete"]:
        raise StraywatchError("the sweep ran out of time: repeat it, it goes on where it stopped")
    return EXIT_FOUND if result["strays"] else EXIT_FINE


def counts(answer: InvocationResponseTypeDef) -> dict[str, int]:
    """The counts that a sweep answered. Raises StraywatchError if it failed, or answered others."""
    return counts_in(answer, "the sweep", *_COUNTS)


def _sentence(result: dict[str, int]) -> str:
    return (
        f"{result['users']} users: {result['compliant']} in groups, {result['exempt']} exempt, "
        f"{result['strays']} without a group; {result['opened']} findings opened, "
        f"{result['gone']} closed as deleted, {result['missed_events']} missed events"
    )
