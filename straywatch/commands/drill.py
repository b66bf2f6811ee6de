"""`straywatch drill`: a stray on purpose, followed from its event to the end of its finding."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from chalicelib.times import spoken
from straywatch.alert_path.subscriptions import Standing, Subscription
from straywatch.aws.identity import caller_arn
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.drill.audience import woken
from straywatch.drill.course import Part
from straywatch.drill.diagnosis import causes
from straywatch.drill.drill import MOST_PATIENCE, Plan, run, tidy
from straywatch.errors import EXIT_FINE, EXIT_FOUND, StraywatchError
from straywatch.observing.deployment import observed_deployment
from straywatch.observing.records import DrillRecord, Leg
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.signals import Stopped, stoppable
from straywatch.text import visible

SCHEMA = "straywatch.drill/1"
_PATIENCE = 900
"""Seconds: CloudTrail hands most events over within minutes, and promises no time."""
_EXAMPLES = """\b
Examples:
  straywatch drill
  straywatch drill --yes --format json | jq .legs
  straywatch drill --page

\b
Exit codes: 0 proven, 1 a leg is broken, 2 wrong usage,
3 it could not be completed, or could not clean up: the line says what is left.
"""


@click.command("drill", epilog=_EXAMPLES)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--page", is_flag=True, help="Page and text people, too.")
@click.option(
    "--patience",
    type=click.IntRange(1, MOST_PATIENCE),
    default=_PATIENCE,
    show_default=True,
    help="Seconds that each leg may take, beyond the grace.",
)
@format_option("table", "json")
@aws_options
@click.pass_context
def command(
    ctx: click.Context, *, stage: str | None, yes: bool, page: bool, patience: int, form: str
) -> int:
    """Prove the deployment on its own account: make a stray, see it told of, see it closed.

    Makes one IAM user without credentials under /straywatch-drill/ and a queue on the alert topic,
    follows both, removes both whatever happens, and keeps a record that `straywatch report` shows.
    Mail and chat get the two alerts; pagers and telephones do not, unless `--page` is given.
    """
    session = aws_context(ctx).session
    stack = deployed_stack(session, stage)
    plan = Plan(
        session=session,
        observed=observed_deployment(session, stage),
        topic_arn=output(stack, "AlertTopicArn"),
        by=caller_arn(session),
        patience=patience,
        page=page,
    )
    _ask(plan, yes=yes)
    record = _run(plan)
    told = _causes(plan, stage, record)
    if form == "json":
        click.echo(json.dumps(_as_json(record, told), indent=2))
    else:
        _conclude(record, told)
    return EXIT_FINE if record.proven else EXIT_FOUND


def _ask(plan: Plan, *, yes: bool) -> None:
    """Say what will be done, and to whom it will be told. Raises StraywatchError, click.Abort."""
    found = plan.audience()
    woke = woken(found)
    if woke and not plan.page:
        raise StraywatchError(
            f"this drill would send a text message to {_names(woke)}: run it with --page, "
            "or give that subscription a filter policy on severity"
        )
    served = [each for each in found if each.standing is Standing.GETS_IT]
    _say(f"drill of {plan.observed.stack} in account {plan.observed.account.account_id}:")
    _say("  makes an IAM user without credentials, waits for its alerts, and deletes it")
    _say(f"  takes the grace ({spoken(plan.observed.grace.total_seconds())}) and some minutes")
    _say(f"  the two alerts go to {_names(served) or 'nobody yet'}")
    _say(f"  pagers are {'called, too' if plan.page else 'not called'}")
    for name in plan.left_behind():
        _say(f"  removes the user {name} that an earlier drill has left behind")
    if not yes:
        click.confirm("Run it?", err=True, abort=True)


def _names(found: Sequence[Subscription]) -> str:
    return ", ".join(visible(f"{each.protocol} {each.endpoint}") for each in found)


def _run(plan: Plan) -> DrillRecord:
    try:
        with stoppable():
            tidy(plan)
            return run(plan, _leg)
    except Stopped:
        raise StraywatchError(
            "the drill was stopped, and nothing of it is left; it proves nothing"
        ) from None


def _causes(plan: Plan, stage: str | None, record: DrillRecord) -> list[str]:
    if record.proven:
        return []
    broken = Part(record.legs[-1].name)
    return list(causes(plan.session, stage, plan.observed, record.user_name, broken))


def _leg(leg: Leg) -> None:
    _say(f"{leg.name:<9} {'BROKEN: ' + visible(leg.why) if leg.why else f'{leg.seconds:.1f} s'}")


def _conclude(record: DrillRecord, told: Sequence[str]) -> None:
    if record.proven:
        total = sum(leg.seconds for leg in record.legs)
        click.echo(f"proven: {len(record.legs)} legs in {total:.1f} s beside the grace")
        return
    broken = record.legs[-1]
    click.echo(f"broken at {broken.name}: {visible(broken.why)}")
    for cause in told:
        click.echo(f"  {visible(cause)}")
    if not told:
        click.echo("  the doctor finds nothing wrong with this part of the deployment")


def _as_json(record: DrillRecord, told: Sequence[str]) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "proven": record.proven,
        "user_name": record.user_name,
        "user_id": record.user_id,
        "legs": [
            {"name": leg.name, "seconds": leg.seconds, "broken": leg.why or None}
            for leg in record.legs
        ],
        "causes": list(told),
    }


def _say(line: str) -> None:
    click.echo(line, err=True)
