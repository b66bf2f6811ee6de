"""Everything private that Straywatch touches inside ministack, in one place and checked at start.

ministack does not turn IAM calls into events, drops failed rule deliveries, and keeps no mail.
What mends that reaches into its internals; `verify` names each of them, so that a new version
which moved one stops at once with a clear line instead of losing events in silence.
"""

from __future__ import annotations

import contextvars
import inspect
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from ministack import app as gateway
from ministack.core import (
    concurrency,
    iam_actions,
    iam_evaluator,
    lambda_runtime,
    responses,
    router,
)
from ministack.services import (
    cloudwatch,
    eventbridge,
    iam,
    kms,
    lambda_svc,
    organizations,
    sns,
    sqs,
    ssm,
    sts,
)
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

from straywatch.local.bridge.records import EVENT_REGION, Caller
from straywatch.local.emulator.mails import Mail

TRIED_VERSION = "1.5.33"

_FUNCTIONS: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (gateway, "app", ("scope", "receive", "send")),
    (gateway, "_request_account_scope", ("access_key_id",)),
    (iam_actions, "extract_iam_action", ("service", "method", "path", "headers", "body")),
    (iam_actions, "extract_resource_arn", ("service", "method", "path", "headers", "body")),
    (iam_evaluator, "resolve_credential", ("access_key_id", "account_id")),
    (responses, "set_request_account_id", ("access_key_id",)),
    (responses, "request_scope", ("account_id", "region")),
    (responses, "get_account_id", ()),
    (router, "detect_service", ("method", "path", "headers", "query_params")),
    (eventbridge, "_dispatch_event", ("event",)),
    (eventbridge, "_archive_event", ("event",)),
    (eventbridge, "_invoke_target", ("target", "event", "rule", "view")),
    (eventbridge, "_pattern_event_view", ("event",)),
    (eventbridge, "_dispatch_to_event_bus", ("spec", "event", "rule", "event_path")),
    (eventbridge, "_remove_permission", ("data",)),
    (iam_evaluator, "_principal_org_id", ("account_id",)),
    (iam_evaluator, "_resolve_condition_key", ("key", "ctx")),
    (ssm, "_put_parameter", ("data",)),
    (ssm, "_default_tier", ("data", "value", "existing")),
    (eventbridge, "_dispatch_to_lambda", ("arn", "payload")),
    (lambda_svc, "_get_func_record_for_ref", ("function_ref",)),
    (lambda_svc, "_execution_record_for_config", ("func", "config")),
    (lambda_svc, "invoke_async_with_retry", ("func", "event")),
    (lambda_svc, "_execute_function", ("func", "event")),
    (lambda_svc, "_sqs_esm_concurrency", ("esm", "func_rec", "config", "queue")),
    (lambda_svc, "_route_async_failure", ("target_arn", "func_name", "event", "result")),
    (lambda_svc, "_emit_lambda_logs", ("func", "request_id", "log_text")),
    (lambda_runtime, "reset", ()),
    (iam_evaluator, "resolve_principal", ("access_key_id", "account_id")),
    (iam_evaluator, "evaluate", ("ctx",)),
    (iam_evaluator, "combine_resource_policy", ("identity", "ctx", "policy", "owner_account")),
    (iam_evaluator, "_resource_policy", ("service", "resource_arn")),
    (iam_evaluator, "evaluate_resource_policy", ("doc", "ctx", "service")),
    (iam_evaluator, "_gather_role_policies", ("role_name", "account_id")),
    (lambda_svc, "function_policy_for_arn", ("resource_arn",)),
    (lambda_svc, "_xray_trace_id_for_invocation", ("config", "inbound_trace_header")),
    (
        lambda_svc,
        "_run_sqs_batch",
        ("esm", "func_rec", "event", "batch", "queue_url", "queue_name"),
    ),
    (sqs, "_queue_by_arn", ("arn",)),
    (sqs, "queue_policy_allows", ("queue_arn", "service", "source_arn", "source_account")),
    (sqs, "_act_send_message", ("data", "qurl")),
    (sqs, "_build_send_sys_attrs", ("now", "sys_attrs_input")),
    (sqs, "_dlq_sweep", ("q",)),
    (cloudwatch, "record_metric", ("namespace", "metric_name", "value", "unit", "dimensions")),
    (kms, "_resolve_key", ("key_id_or_arn",)),
    (changesets, "_evaluate_conditions", ("template", "params")),
    (engine, "_evaluate_conditions", ("template", "params")),
    (handlers, "_evaluate_conditions", ("template", "params")),
    (stacks, "_evaluate_conditions", ("template", "params")),
    (provisioners, "_sns_create", ("logical_id", "props", "stack_name")),
    (provisioners, "_sns_update", ("physical_id", "old_props", "new_props", "stack_name")),
    (sns, "_fanout", ("topic_arn", "msg_id", "message", "subject", "message_structure")),
    (sns, "_topic_by_arn_any_scope", ("topic_arn",)),
    (sns, "_resolve_message_for_protocol", ("message", "message_structure", "protocol")),
    (sns, "_deliver_to_lambda", ("endpoint", "envelope", "topic_arn", "sub_arn")),
    (sns, "_http_post_sync", ("endpoint", "payload", "sns_message_type")),
    (sns, "_matches_filter_policy", ("sub", "message_attributes", "message")),
    (iam, "_error", ("status", "code", "message")),
    (iam, "_xml", ("status", "root_tag", "inner")),
    (iam, "_p", ("params", "key")),
)
_STORES = (
    (eventbridge, "_event_bus_policies"),
    (organizations, "_DISPATCH"),
    (organizations, "_accounts"),
    (organizations, "_orgs"),
    (iam, "_IAM_HANDLERS"),
    (iam, "_users"),
    (iam, "_groups"),
    (iam, "_roles"),
    (iam, "_access_keys"),
    (iam, "_login_profiles"),
    (iam, "_mfa_devices"),
    (iam, "_user_inline_policies"),
    (iam, "_group_inline_policies"),
    (sts, "_sessions"),
    (lambda_svc, "_functions"),
    (ssm, "_parameters"),
    (sqs, "_queues"),
    (sqs, "_queues_lock"),
    (sns, "_topics"),
    (provisioners, "_RESOURCE_HANDLERS"),
    (concurrency, "esm_wake"),
)
_KINDS = {
    "Root": "Root",
    "User": "IAMUser",
    "AssumedRole": "AssumedRole",
    "FederatedUser": "FederatedUser",
}


class SeamError(Exception):
    """The installed ministack lacks internals that the bridge stands on; the message lists them."""


def verify() -> None:
    """Check every seam by name and leading parameters. Raises SeamError."""
    missing = [problem for seam in _FUNCTIONS if (problem := _function_problem(*seam))]
    missing += [f"{place.__name__}.{name}" for place, name in _STORES if not hasattr(place, name)]
    if missing:
        raise SeamError(
            f"ministack {version('ministack')} has changed where the bridge stands on it "
            f"(tried with {TRIED_VERSION}): {', '.join(missing)}"
        )


def _function_problem(place: Any, name: str, leading: tuple[str, ...]) -> str:  # noqa: ANN401 - a module
    function = getattr(place, name, None)
    label = f"{place.__name__}.{name}"
    if not callable(function):
        return label
    found = tuple(inspect.signature(function).parameters)[: len(leading)]
    return "" if found == leading else f"{label}({', '.join(found)})"


def action_of(
    method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
) -> str | None:
    """Name a request's action as IAM policies do (`sqs:SendMessage`), or None if it is none."""
    service = router.detect_service(method, path, headers, query)
    action: str | None = iam_actions.extract_iam_action(service, method, path, headers, body, query)
    return action


def caller_of(access_key_id: str) -> Caller | None:
    """Say who an access key belongs to, or None where AWS would not know it either."""
    return contextvars.copy_context().run(_caller_of, access_key_id)


def _caller_of(access_key_id: str) -> Caller | None:
    try:
        responses.set_request_account_id(gateway._request_account_scope(access_key_id))
    except iam_evaluator.AmbiguousAccessKeyError:
        return None
    account_id = responses.get_account_id()
    credential = iam_evaluator.resolve_credential(access_key_id, account_id)
    if isinstance(credential, iam_evaluator.CredentialResolutionError):
        return None
    found = Caller(
        kind=_KINDS.get(credential.principal_type, "Unknown"),
        principal_id=credential.principal_id,
        arn=credential.principal_arn,
        account_id=credential.account_id,
        access_key_id=access_key_id,
        user_name=credential.principal_name,
    )
    return _with_role(found) if found.kind == "AssumedRole" else found


def _with_role(caller: Caller) -> Caller:
    role_name = caller.arn.split("/")[1]
    role = iam._roles.get_scoped(caller.account_id, None, role_name) or {}
    issued = sts._sessions.get(caller.access_key_id, {}).get("IssuedAt")
    return Caller(
        kind=caller.kind,
        principal_id=caller.principal_id,
        arn=caller.arn,
        account_id=caller.account_id,
        access_key_id=caller.access_key_id,
        role_id=role.get("RoleId", caller.principal_id.split(":")[0]),
        role_arn=role.get("Arn", f"arn:aws:iam::{caller.account_id}:role/{role_name}"),
        session_started=None if issued is None else datetime.fromtimestamp(issued, UTC),
    )


def put_event(event: Mapping[str, Any]) -> None:
    """Put an EventBridge event on the default bus of its account, as only AWS itself can."""
    stored = {
        "EventId": event["id"],
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "EventBusName": "default",
        "Time": event["time"],
        "Resources": event["resources"],
        "Account": event["account"],
        "Region": event["region"],
    }
    with responses.request_scope(event["account"], EVENT_REGION):
        eventbridge._dispatch_event(stored)
        eventbridge._archive_event(stored)


def retry_rule_deliveries() -> None:
    """Give rule -> Lambda the asynchronous retries and on-failure destination it has on AWS."""

    def dispatch(arn: str, payload: str) -> None:
        function, config, _name = lambda_svc._get_func_record_for_ref(arn)
        if function and config:
            record = lambda_svc._execution_record_for_config(function, config)
            lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch


def retry_topic_deliveries() -> None:
    """Give topic -> Lambda the asynchronous retries and on-failure destination it has on AWS."""

    def deliver(
        endpoint: str,
        envelope: str,
        _topic_arn: str,
        subscription_arn: str,
        *_: object,
    ) -> None:
        function, config, _name = lambda_svc._get_func_record_for_ref(endpoint)
        if function and config:
            record = lambda_svc._execution_record_for_config(function, config)
            sns_record = {
                "EventVersion": "1.0",
                "EventSubscriptionArn": subscription_arn,
                "EventSource": "aws:sns",
                "Sns": json.loads(envelope),
            }
            lambda_svc.invoke_async_with_retry(record, {"Records": [sns_record]})

    sns._deliver_to_lambda = deliver


def take_turns(at_once: int) -> None:
    """Let so many functions run at a time; the others wait, as asynchronous calls do on AWS.

    ministack starts a process for each call that finds none free. A burst of events would start
    dozens at once, each of them too slow to answer before its timeout.
    """
    turns, mine = threading.BoundedSemaphore(at_once), threading.local()
    execute = lambda_svc._execute_function

    def execute_in_turn(func: Any, event: Any) -> Any:  # noqa: ANN401 - passed on as they came
        if getattr(mine, "turn", False):  # ministack calls itself, to change the account
            return execute(func, event)
        with turns:
            mine.turn = True
            try:
                return execute(func, event)
            finally:
                mine.turn = False

    lambda_svc._execute_function = execute_in_turn


def sign_topic_deliveries(signed: Callable[[str], str]) -> None:
    """Let what topics send by HTTP be signed; ministack itself writes FAKE."""
    post = sns._http_post_sync

    def post_signed(endpoint: str, payload: str, kind: str) -> int:
        status: int = post(endpoint, signed(payload), kind)
        return status

    sns._http_post_sync = post_signed


def wake_pollers() -> None:
    """Look for messages whose delay has just ended; AWS long-polls, the emulator looks each second.

    To be called several times a second.
    """
    concurrency.esm_wake.set()


def keep_mail(keep: Callable[[Mail], None]) -> None:
    """Hand over each mail and text message that a topic would have sent; ministack drops them."""
    fan_out = sns._fanout

    def fan_out_and_keep(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they came
        fan_out(*args, **kwargs)
        call = inspect.signature(fan_out).bind(*args, **kwargs)
        call.apply_defaults()
        for mail in _mails(call.arguments):
            keep(mail)

    sns._fanout = fan_out_and_keep


def _mails(published: Mapping[str, Any]) -> list[Mail]:
    topic = sns._topic_by_arn_any_scope(published["topic_arn"]) or {"subscriptions": []}
    return [mail for protocol in ("email", "sms") for mail in _sent_by(protocol, topic, published)]


def _sent_by(protocol: str, topic: Mapping[str, Any], published: Mapping[str, Any]) -> list[Mail]:
    text = sns._resolve_message_for_protocol(
        published["message"], published["message_structure"], protocol
    )
    attributes = published["message_attributes"] or {}
    return [
        Mail(
            to=subscription["endpoint"],
            protocol=protocol,
            subject=published["subject"] or "AWS Notification Message",
            text=text,
            topic_arn=published["topic_arn"],
            message_id=published["msg_id"],
        )
        for subscription in topic["subscriptions"]
        if subscription["protocol"] == protocol
        and sns._matches_filter_policy(subscription, attributes, text)
    ]


def hand_over_delayed() -> int:
    """Make every message that waits for the end of its delay visible; return how many there were.

    What is hidden because somebody has received it stays so.
    """
    now = time.time()
    with sqs._queues_lock:
        waiting = [
            message
            for _key, queue in list(sqs._queues._data.items())
            for message in queue["messages"]
            if message["visible_at"] > now and not message["receive_count"]
        ]
        for message in waiting:
            message["visible_at"] = now
    wake_pollers()
    return len(waiting)


async def application(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
    """Serve one connection through the emulator itself."""
    await gateway.app(scope, receive, send)


def stop_functions() -> None:
    """End every function's process."""
    lambda_runtime.reset()


def new_id() -> str:
    """Return an id of the kind AWS gives events and requests."""
    return str(uuid.uuid4())
