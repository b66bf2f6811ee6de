"""The entry points that Lambda invokes: an event in, one call into chalicelib, a result out."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from chalice.app import Chalice, CloudWatchEvent, SQSEvent

from chalicelib.bootstrap import Deployment
from chalicelib.domain.account import account_of_arn
from chalicelib.domain.events import LOST_EVENTS, SETTLED_EVENTS, rule_pattern
from chalicelib.flows.batch import process

app = Chalice(app_name="straywatch")
deployment = Deployment()


def is_about_all(event: object) -> bool:
    """Whether a schedule of EventBridge invoked, or somebody who means all accounts."""
    told = event if isinstance(event, dict) else {}
    return told.get("detail-type") == "Scheduled Event" or told.get("accounts") == "all"


def time_left(context: Any) -> Callable[[], float]:  # noqa: ANN401 - Lambda's own
    """What tells how many seconds the invocation has to go."""
    return lambda: context.get_remaining_time_in_millis() / 1000


@app.on_cw_event(rule_pattern(LOST_EVENTS))
def on_membership_lost(event: CloudWatchEvent) -> dict[str, str]:
    """A user was created or left a group: ask for a check once the grace is over."""
    return {"outcome": deployment.receive(event.to_dict())}


@app.on_cw_event(rule_pattern(SETTLED_EVENTS))
def on_membership_settled(event: CloudWatchEvent) -> dict[str, str]:
    """A user joined a group, was deleted or renamed: remember it, and close what it closes."""
    return {"outcome": deployment.receive(event.to_dict())}


@app.on_sqs_message(queue="check-queue", batch_size=10)
def check_membership(event: SQSEvent) -> dict[str, Any]:
    """Look at live IAM for each message that is due; name those that are to come again."""
    return process(
        event.to_dict(),
        deployment.on_check,
        deployment.queue.set_aside,
        time_left(event.context),
        deployment.count_failed,
    )


@app.lambda_function()
def sweep(event: object, context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Look at every user of the account: on its schedule, or whenever it is invoked.

    With an organization the schedule asks for a sweep of each account instead.
    """
    if deployment.hub and is_about_all(event):
        return deployment.hub.fan_out().run()
    run = deployment.sweep(time_left(context))
    return asdict(run.run(account_of_arn(context.invoked_function_arn)))


@app.on_sqs_message(queue="sweep-queue", batch_size=1)
def sweep_account(event: SQSEvent) -> dict[str, Any]:
    """Look at every user of the account that the message names."""
    left = time_left(event.context)
    return process(
        event.to_dict(),
        deployment.organization.sweep_one(left),
        deployment.queue.set_aside,
        left,
        deployment.count_unswept,
    )


@app.lambda_function()
def list_accounts(event: object, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's own
    """Read anew which accounts of the organization are watched, or leave them all."""
    leaves = isinstance(event, dict) and event.get("leave") == "all"
    return asdict(deployment.organization.refresh(leaves=leaves).run(deployment.own))


@app.lambda_function()
def heartbeat(event: object, context: Any) -> dict[str, Any]:  # noqa: ARG001, ANN401 - as above
    """Tell CloudWatch, every few minutes, whether the sweep is late and who listens."""
    return asdict(deployment.heartbeat.beat(account_of_arn(context.invoked_function_arn)))


@app.lambda_function()
def page_on_call(event: dict[str, Any], context: object) -> list[str]:  # noqa: ARG001 - Lambda's own
    """A message on the alert topic: open or close its incident in PagerDuty."""
    return deployment.from_topic(deployment.but_for_drills(deployment.pager), event)


@app.lambda_function()
def post_to_chat(event: dict[str, Any], context: object) -> list[str]:  # noqa: ARG001 - as above
    """A message on the alert topic: post its card to the chat topic."""
    return deployment.from_topic(deployment.chat, event)


@app.lambda_function()
def put_on_event_bus(event: dict[str, Any], context: object) -> list[str]:  # noqa: ARG001 - as above
    """A message on the alert topic: put its event on the bus."""
    return deployment.from_topic(deployment.event_bus, event)


@app.on_sqs_message(queue="import-queue", batch_size=100, maximum_batching_window_in_seconds=5)
def import_to_security_hub(event: SQSEvent) -> dict[str, Any]:
    """Messages of the alert topic: bring Security Hub's copies of their findings up to date."""
    return deployment.from_queue(deployment.security_hub, event.to_dict())
