"""A rule's way to a function as on AWS: by the function's own policy, or to the dead-letter queue.

The emulator invokes whatever a rule names, and drops what it cannot deliver.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc, sqs

_SERVICE = "events.amazonaws.com"


def install() -> None:
    """Ask before a function is invoked; keep the event where it may not be."""
    invoke = eventbridge._invoke_target

    def invoke_if_allowed(
        target: Mapping[str, Any],
        event: Mapping[str, Any],
        rule: Mapping[str, Any],
        view: Any = None,  # noqa: ANN401 - the emulator's own
    ) -> None:
        if ":lambda:" not in target["Arn"] or not (code := _refused(target["Arn"], rule["Arn"])):
            invoke(target, event, rule, view)
        elif "DeadLetterConfig" in target:
            view = view or eventbridge._pattern_event_view(event)
            _keep(target, rule["Arn"], code, json.dumps(view.event_with_detail()))

    eventbridge._invoke_target = invoke_if_allowed


def _refused(function_arn: str, rule_arn: str) -> str:
    """Return EventBridge's code for why it cannot invoke, or "" if it can."""
    found = lambda_svc.function_policy_for_arn(function_arn)
    if found is None:
        return "RESOURCE_NOT_FOUND"
    policy, account_id = found
    context = iam_evaluator.EvalContext(
        principal_arn=_SERVICE,
        principal_type="Service",
        principal_account=account_id,
        action="lambda:InvokeFunction",
        resource_arn=function_arn,
        region=parse_arn(rule_arn).region,
        service_context={"aws:sourcearn": rule_arn, "aws:sourceaccount": account_id},
    )
    decided = iam_evaluator.evaluate_resource_policy(policy, context, _SERVICE)
    return "" if decided.decision == "Allow" else "NO_PERMISSIONS"


def _keep(target: Mapping[str, Any], rule_arn: str, code: str, body: str) -> None:
    """Send an event to a target's dead-letter queue, if the queue's policy lets EventBridge."""
    queue_arn = target["DeadLetterConfig"]["Arn"]
    account_id = parse_arn(rule_arn).account_id
    if not sqs.queue_policy_allows(queue_arn, _SERVICE, rule_arn, account_id):
        return
    told = {"RULE_ARN": rule_arn, "TARGET_ARN": target["Arn"], "ERROR_CODE": code}
    attributes = {name: {"DataType": "String", "StringValue": text} for name, text in told.items()}
    queue = sqs._queue_by_arn(queue_arn)
    letter = {"MessageBody": body, "MessageAttributes": attributes}
    sqs._act_send_message(letter, queue["url"])
