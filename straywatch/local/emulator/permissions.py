"""Role checks that AWS makes behind the scenes and the emulator leaves out.

The poller of a queue, the on-failure destination and the log writer use the function's role, and
an encrypted queue or topic asks for its key. Without these, removing such an action from a policy
would go unnoticed on the emulator and break the monitor on AWS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.core.arn import parse_arn
from ministack.services import kms, lambda_svc, sns, sqs

from straywatch.local.bridge.calls import Call
from straywatch.local.bridge.records import EVENT_REGION, Caller
from straywatch.local.emulator import security_hub

_POLLER_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
_WRITE_WITH_KEY = ("kms:GenerateDataKey", "kms:Decrypt")  # SQS and SNS developer guides
_BATCHES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sns:PublishBatch": "sns:Publish",
}
"""On AWS a batch call needs the permission of the single call; there is none of its own."""


@dataclass(frozen=True)
class Need:
    """One action on one resource, on behalf of a service (`via`) where a key is concerned."""

    action: str
    resource_arn: str
    via: str = ""


class Tell(Protocol):
    """Takes what a role was asked and whether the answer was yes."""

    def __call__(self, call: Call, *, allowed: bool) -> None:
        """Take one answer."""


def install(tell: Tell) -> None:
    """Make the emulator ask roles where AWS does, and tell each answer."""
    _name_batches_as_aws_does()
    _ask_before_polling(tell)
    _ask_before_routing_failures(tell)
    _ask_before_logging(tell)


def missing_key_access(
    caller: Caller, action: str, parameters: Mapping[str, Any], tell: Tell
) -> Sequence[Need]:
    """Return what the caller lacks of the key behind a queue or topic, or of a stand-in service."""
    needs = _key_needs(caller.account_id, action, parameters)
    if action == security_hub.ACTION:
        account = f"{EVENT_REGION}:{caller.account_id}"
        product = f"arn:aws:securityhub:{account}:product/{caller.account_id}/default"
        needs = [Need(action, product)]
    if not needs or caller.kind not in ("AssumedRole", "IAMUser"):
        return []
    with responses.request_scope(caller.account_id, parse_arn(needs[0].resource_arn).region):
        principal = iam_evaluator.resolve_principal(caller.access_key_id, caller.account_id)
        if isinstance(principal, iam_evaluator.AuthError):
            return []  # the emulator itself will refuse such a caller
        return _missing(needs, principal, tell)


def _key_needs(account_id: str, action: str, parameters: Mapping[str, Any]) -> list[Need]:
    if action in ("sqs:SendMessage", "sqs:ReceiveMessage"):
        name = str(parameters.get("QueueUrl", "")).rsplit("/", 1)[-1]
        arn = f"arn:aws:sqs:{responses.get_region()}:{account_id}:{name}"
        actions = _WRITE_WITH_KEY if action == "sqs:SendMessage" else ("kms:Decrypt",)
        return _queue_key_needs(arn, actions)
    if action == "sns:Publish":
        topic = sns._topic_by_arn_any_scope(str(parameters.get("TopicArn", ""))) or {}
        return _needs_of_key(topic.get("arn", ""), topic.get("attributes", {}), _WRITE_WITH_KEY)
    return []


def _queue_key_needs(queue_arn: str, actions: Iterable[str]) -> list[Need]:
    queue = sqs._queue_by_arn(queue_arn) or {}
    return _needs_of_key(queue_arn, queue.get("attributes", {}), actions)


def _needs_of_key(
    resource_arn: str, attributes: Mapping[str, str], actions: Iterable[str]
) -> list[Need]:
    key_id = attributes.get("KmsMasterKeyId", "")
    if not key_id or key_id.startswith("alias/aws/"):  # AWS's own keys serve the whole account
        return []
    spec = parse_arn(resource_arn)
    with responses.request_scope(spec.account_id, spec.region):
        key = kms._resolve_key(key_id)
    key_arn = key["Arn"] if key else f"arn:aws:kms:{spec.region}:{spec.account_id}:key/{key_id}"
    via = f"{spec.service}.{spec.region}.amazonaws.com"
    return [Need(action, key_arn, via) for action in actions]


def _missing(needs: Iterable[Need], principal: Any, tell: Tell) -> list[Need]:  # noqa: ANN401 - the emulator's own class
    missing = [need for need in needs if not _allowed(need, principal)]
    for need in needs:
        tell(Call(need.action, principal.arn), allowed=need not in missing)
    return missing


def _allowed(need: Need, principal: Any) -> bool:  # noqa: ANN401 - the emulator's own class
    service = need.action.split(":", 1)[0]
    context = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=need.action,
        resource_arn=need.resource_arn,
        region=parse_arn(need.resource_arn).region,
        service_context={"kms:viaservice": need.via} if need.via else {},
        principal_keys=principal.keys,
    )
    decision = iam_evaluator.evaluate(context, principal.policies, *principal.limits)
    policy = iam_evaluator._resource_policy(service, need.resource_arn)
    if policy is not None:
        decision = iam_evaluator.combine_resource_policy(
            decision, context, *policy, required=service == "kms", limits=principal.limits
        )
    return bool(decision.decision == "Allow")


def _role_of(config: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the emulator's own class
    spec = parse_arn(config["Role"])
    name = spec.resource.rsplit("/", 1)[-1]
    return iam_evaluator.PrincipalInfo(
        arn=f"arn:aws:sts::{spec.account_id}:assumed-role/{name}/{config['FunctionName']}"[:2048],
        type="AssumedRole",
        account=spec.account_id,
        policies=iam_evaluator._gather_role_policies(name, spec.account_id),
    )


def _refuses(config: Mapping[str, Any], needs: Iterable[Need], tell: Tell) -> bool:
    """Whether the function's role lacks any of `needs`."""
    return bool(_missing(needs, _role_of(config), tell))


def _name_batches_as_aws_does() -> None:
    extract = iam_actions.extract_iam_action

    def extract_as_aws(*args: Any, **kwargs: Any) -> str | None:  # noqa: ANN401 - passed on
        action: str | None = extract(*args, **kwargs)
        return action and _BATCHES.get(action, action)

    iam_actions.extract_iam_action = extract_as_aws


def _ask_before_polling(tell: Tell) -> None:
    concurrency = lambda_svc._sqs_esm_concurrency

    def ask(esm: Any, function: Any, config: Any, queue: Any = None) -> int:  # noqa: ANN401 - theirs
        arn = esm["EventSourceArn"]
        needs = [Need(action, arn) for action in _POLLER_ACTIONS]
        needs += _queue_key_needs(arn, ("kms:Decrypt",))
        if _refuses(config, needs, tell):
            return 0
        # a number that a template gives by a parameter stays text in the emulator
        return int(concurrency(esm, function, config, queue))

    lambda_svc._sqs_esm_concurrency = ask


def _ask_before_routing_failures(tell: Tell) -> None:
    route = lambda_svc._route_async_failure

    def ask(target_arn: str, name: str, event: Any, result: Any) -> None:  # noqa: ANN401 - theirs
        config = lambda_svc._functions.get(name, {}).get("config")
        service = parse_arn(target_arn).service
        action = "sns:Publish" if service == "sns" else "sqs:SendMessage"
        needs = [Need(action, target_arn)]
        if service == "sqs":
            needs += _queue_key_needs(target_arn, _WRITE_WITH_KEY)
        if config is None or not _refuses(config, needs, tell):
            route(target_arn, name, event, result)

    lambda_svc._route_async_failure = ask


def _ask_before_logging(tell: Tell) -> None:
    emit = lambda_svc._emit_lambda_logs

    def ask(function: Any, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on
        config = function.get("config") or function
        spec = parse_arn(config["FunctionArn"])
        group = f"arn:aws:logs:{spec.region}:{spec.account_id}:log-group:" + (
            (config.get("LoggingConfig") or {}).get("LogGroup")
            or f"/aws/lambda/{config['FunctionName']}"
        )
        needs = [
            Need("logs:CreateLogStream", f"{group}:log-stream:"),
            Need("logs:PutLogEvents", f"{group}:log-stream:any"),
        ]
        if not _refuses(config, needs, tell):
            emit(function, *args, **kwargs)

    lambda_svc._emit_lambda_logs = ask
