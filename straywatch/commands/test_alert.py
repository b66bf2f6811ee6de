"""`straywatch test-alert`: send a marked alert down the real path, and say who gets it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click
from botocore.exceptions import ClientError

from chalicelib.adapters.topic import AlertTopic, attributes_of
from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.alerts import Message
from chalicelib.domain.findings import AlertType
from chalicelib.domain.severity import Severity
from chalicelib.messages.body import body_of
from chalicelib.messages.subject import subject
from chalicelib.times import utc_now
from straywatch.alert_path.listeners import ended, texts
from straywatch.alert_path.sample_alerts import sample
from straywatch.alert_path.subscriptions import Standing, Subscription, subscriptions
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack, output
from straywatch.deploy.stack_resources import read_resources
from straywatch.errors import EXIT_FINE, EXIT_FOUND, explain
from straywatch.terminal.options import aws_context, aws_options, format_option
from straywatch.terminal.tables import console, print_table, say

if TYPE_CHECKING:
    import boto3

    from straywatch.deploy.stack import Stack

_ALERTS, _HEALTH = "alerts", "health"
_TOPIC = "TopicArn"
"""How the name of an output ends that tells a topic; whatever stands before it names the topic."""


_EXAMPLES = """\b
Examples:
  straywatch test-alert
  straywatch test-alert --type opened --severity critical
  straywatch test-alert --type resolved --severity critical
"""


@click.command("test-alert", epilog=_EXAMPLES)
@click.option(
    "--type",
    "kind",
    type=click.Choice([str(each) for each in AlertType]),
    default=str(AlertType.TEST),
    show_default=True,
    help="What it looks like; `resolved` closes what an earlier test opened.",
)
@click.option(
    "--severity",
    type=click.Choice([each.name for each in Severity], case_sensitive=False),
    default=Severity.HIGH.name,
    show_default=True,
)
@click.option("--stage", help="The deployment straywatch-STAGE instead of straywatch.")
@format_option("table", "json")
@aws_options
@click.pass_context
def command(ctx: click.Context, kind: str, severity: str, stage: str | None, form: str) -> int:
    """Send a marked test alert to the stack's topic, and say which subscriptions get it.

    Exit code 1 if nobody gets it, if a subscription awaits its confirmation or was ended by
    somebody, or if text messages cannot arrive.
    """
    session = aws_context(ctx).session
    stack = deployed_stack(session, stage)
    topic_arn = output(stack, "AlertTopicArn")
    account = account_of_arn(topic_arn)
    message = sample(AlertType(kind), Severity[severity.upper()], account, utc_now())
    sns = session.client("sns", config=RETRIES)
    AlertTopic(lambda: sns, topic_arn, lambda _: _alias(session)).publish(message)
    found = _subscribed(session, stack, message)
    resources = read_resources(session.client("cloudformation", config=RETRIES), stack.stack_id)
    problems = [*_problems(found), *ended((each.logical_id for each in resources), found)]
    notes: list[str] = []
    try:
        problems += texts(sns, found)
    except ClientError as error:
        notes.append(f"whether text messages arrive is not known: {explain(error)}")
    if form == "json":
        click.echo(json.dumps(_as_json(message, found, problems, notes), indent=2))
    else:
        _show(message, found, problems, notes)
    return EXIT_FOUND if problems else EXIT_FINE


def _alias(session: boto3.Session) -> str:
    """The account's alias; without the permission the test goes out all the same."""
    try:
        iam = session.client("iam", config=RETRIES)
        return "".join(iam.list_account_aliases()["AccountAliases"][:1])
    except ClientError:
        return ""


def _subscribed(session: boto3.Session, stack: Stack, message: Message) -> list[Subscription]:
    sns = session.client("sns", config=RETRIES)
    attributes, body = attributes_of(message), json.dumps(body_of(message))
    topics = {name: arn for name, arn in sorted(stack.outputs.items()) if name.endswith(_TOPIC)}
    return [
        subscription
        for name, arn in topics.items()
        for subscription in subscriptions(sns, _topic_name(name), arn, attributes, body)
    ]


def _topic_name(output: str) -> str:
    return _ALERTS if output == "AlertTopicArn" else output.removesuffix(_TOPIC).lower()


def _problems(found: Sequence[Subscription]) -> list[str]:
    problems = []
    waiting = [each for each in found if each.standing is Standing.NOT_CONFIRMED]
    if waiting:
        problems.append(f"{len(waiting)} not confirmed: nothing reaches them until they are")
    unknown = [each for each in found if each.standing is Standing.UNKNOWN]
    if unknown:
        problems.append(f"{len(unknown)} could not be judged")
    if not any(each.topic == _ALERTS and each.standing is Standing.GETS_IT for each in found):
        problems.append("nobody gets this alert")
    return problems


def _show(
    message: Message, found: Sequence[Subscription], problems: Sequence[str], notes: Sequence[str]
) -> None:
    out = console()
    say(out, f"sent: {subject(message)}")
    rows = [(each.topic, each.protocol, each.endpoint, _told(each)) for each in found]
    if rows:
        print_table(out, ("topic", "protocol", "endpoint", "this alert"), rows)
    for problem in problems:
        say(out, problem, "red")
    for note in notes:
        say(out, note, "yellow")


def _told(subscription: Subscription) -> str:
    if subscription.topic == _HEALTH and subscription.standing is Standing.GETS_IT:
        return "confirmed; gets the monitor's own alarms"
    return f"{subscription.standing}{': ' if subscription.why else ''}{subscription.why}"


def _as_json(
    message: Message, found: Sequence[Subscription], problems: Sequence[str], notes: Sequence[str]
) -> dict[str, object]:
    account: Account = message.account
    return {
        "sent": {"type": message.type, "severity": message.severity.name, "test": message.is_test},
        "account_id": account.account_id,
        "subject": subject(message),
        "subscriptions": [asdict(each) for each in found],
        "problems": list(problems),
        "notes": list(notes),
    }
