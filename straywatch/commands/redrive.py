"""`straywatch redrive`: what could not be processed, why, and once more."""

from __future__ import annotations

from functools import partial

import boto3
import click

from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.deploy.stack import Stack
from straywatch.deploy.stack_resources import read_resources
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError, WrongUsageError
from straywatch.redrive.again import Inspected, Redrive, Redriven, Result
from straywatch.redrive.formats import tell
from straywatch.redrive.handling import Act, handle
from straywatch.redrive.letterbox import Letterbox
from straywatch.redrive.letters import DeadLetter
from straywatch.terminal.options import aws_context, aws_options, format_option, output_option
from straywatch.terminal.progress import waiting

_EXAMPLES = """\b
Examples:
  straywatch redrive                          what lies there, and why
  straywatch redrive --yes                    run it all again
  straywatch redrive --reason Throttling --yes
  straywatch redrive --discard MESSAGE-ID --yes
  straywatch redrive --format json | jq '.letters[] | {about, reason}'

\b
Exit codes: 0 nothing is left, 1 dead letters are there, 2 wrong usage, 3 could not complete.
"""


@click.command(epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option("--yes", is_flag=True, help="Run the letters again, and remove those under way.")
@click.option("--reason", metavar="TEXT", help="Only letters whose reason has this text in it.")
@click.option(
    "--limit", type=click.IntRange(1), default=1000, show_default=True,
    help="Look at so many letters at most.",
)  # fmt: skip
@click.option(
    "--discard", "discarded", multiple=True, metavar="MESSAGE-ID",
    help="With --yes: remove this letter for good instead; repeatable.",
)  # fmt: skip
@format_option("table", "json")
@output_option
@aws_options
@click.pass_context
def command(
    ctx: click.Context,
    *,
    stage: str | None,
    yes: bool,
    reason: str | None,
    limit: int,
    discarded: tuple[str, ...],
    form: str,
) -> int:
    """Show what lies in the dead-letter queue and why; with --yes, run it again.

    Checks go back to their queue; failed or undelivered events and messages to their function. Each
    is removed only after that, so a repeat is safe at any time: the monitor takes repeats. Letters
    that arrive meanwhile stay for the next time.
    """
    if discarded and not yes:
        raise WrongUsageError("--discard removes letters for good: add --yes")
    session = aws_context(ctx).session
    stack = deployed_stack(session, stage)
    box = Letterbox(session.client("sqs", config=RETRIES), output(stack, "DeadLetterQueueUrl"))
    act: Act = _show_only
    if discarded:
        act = _discard
    elif yes:
        act = _redrive(session, stack).again
    chosen = partial(_is_chosen, reason=reason, ids=discarded)
    with waiting("Going through the dead letters"):
        outcome = handle(box, act, chosen, limit)
    tell(outcome, form, "discarded" if discarded else "under way again", limit)
    missing = sorted(set(discarded) - {letter.message_id for letter, _ in outcome.handled})
    if missing:
        raise StraywatchError(f"no dead letter has the id {', '.join(missing)}")
    return EXIT_FINE if outcome.seen < limit and not outcome.left else EXIT_FOUND


def _show_only(_: DeadLetter) -> Result:
    return Inspected()


def _discard(_: DeadLetter) -> Result:
    return Redriven()


def _is_chosen(letter: DeadLetter, reason: str | None, ids: tuple[str, ...]) -> bool:
    if ids:
        return letter.message_id in ids
    return reason is None or reason.casefold() in letter.reason.casefold()


def _redrive(session: boto3.Session, stack: Stack) -> Redrive:
    resources = read_resources(session.client("cloudformation", config=RETRIES), stack.name)
    functions = (r.physical_id for r in resources if r.resource_type == "AWS::Lambda::Function")
    urls = [r.physical_id for r in resources if r.resource_type == "AWS::SQS::Queue"]
    return Redrive(
        sqs=session.client("sqs", config=RETRIES),
        sns=session.client("sns", config=RETRIES),
        functions_client=session.client("lambda", config=RETRIES),
        check_queue_url=output(stack, "CheckQueueUrl"),
        import_queue_url=stack.outputs.get("ImportQueueUrl", ""),
        sweep_queue_url=stack.outputs.get("SweepQueueUrl", ""),
        functions=frozenset(functions),
        queues={url.rpartition("/")[2]: url for url in urls},
    )
