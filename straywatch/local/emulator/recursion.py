"""Lambda's recursion detection by way of SQS; ministack knows it of direct invocations alone.

A message of a chain that has met the function sixteen times is not processed. On AWS it is tried
until it has been received too often; here it goes to its dead-letter queue at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from ministack.services import cloudwatch, lambda_svc, sqs
from ministack.services.cloudformation import provisioners

from straywatch.local.bridge.lineage import MOST_ROUNDS, longer, rounds

TRACE_HEADER = b"x-amzn-trace-id"
_FUNCTION = "AWS::Lambda::Function"
_METRIC = "RecursiveInvocationsDropped"
_sent: ContextVar[str] = ContextVar("trace_header_of_this_request", default="")
_invoked: ContextVar[str] = ContextVar("trace_header_of_this_invocation", default="")

Batch = list[dict[str, Any]]


def install() -> None:
    """Let trace headers travel, and stop functions that go round."""
    _keep_property()
    _keep_header_with_message()
    _hand_header_to_function()
    _stop_loops()


def note(scope: Mapping[str, Any]) -> None:
    """Remember the trace header of the request that is about to be served."""
    _sent.set(dict(scope.get("headers", ())).get(TRACE_HEADER, b"").decode("latin-1"))


def _keep_property() -> None:
    """A template's RecursiveLoop; the emulator's CloudFormation leaves it out."""
    handlers = provisioners._RESOURCE_HANDLERS[_FUNCTION]
    create, update = handlers["create"], handlers["update"]

    def keep(made: Any, properties: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the emulator's own
        function = lambda_svc._functions[made[0]]
        function["recursive_loop"] = properties.get("RecursiveLoop", "Terminate")
        return made

    def create_completely(logical_id: str, properties: Any, stack_name: str) -> Any:  # noqa: ANN401 - theirs
        return keep(create(logical_id, properties, stack_name), properties)

    def update_completely(physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401 - theirs
        return keep(update(physical_id, old, new, *rest, **named), new)

    handlers["create"], handlers["update"] = create_completely, update_completely


def _keep_header_with_message() -> None:
    attributes_of = sqs._build_send_sys_attrs

    def attributes_and_trace(now: float, given: dict[str, Any]) -> dict[str, Any]:
        attributes: dict[str, Any] = attributes_of(now, given)
        if _sent.get():
            attributes.setdefault("AWSTraceHeader", _sent.get())
        return attributes

    sqs._build_send_sys_attrs = attributes_and_trace


def _hand_header_to_function() -> None:
    def header_of(config: Mapping[str, Any], inbound: str | None = None) -> str:
        root = f"Root=1-{int(time.time()):08x}-{secrets.token_hex(12)};Sampled=0"
        return longer(_invoked.get() or inbound or "", config["FunctionArn"], root)

    lambda_svc._xray_trace_id_for_invocation = header_of


def _stop_loops() -> None:
    run = lambda_svc._run_sqs_batch

    def run_what_may(
        esm: Any,  # noqa: ANN401 - the emulator's own
        function: Mapping[str, Any],
        event: Mapping[str, Any],
        batch: Batch,
        queue_url: str,
        *queue_name: str,
    ) -> None:
        arn = function["config"]["FunctionArn"]
        stopped = [] if function.get("recursive_loop") == "Allow" else _looping(batch, arn)
        ids = {message["id"] for message in stopped}
        rest = [message for message in batch if message["id"] not in ids]
        _give_up(stopped, queue_url, function["config"]["FunctionName"])
        if rest:
            # Whose header leads a batch is not documented: the longest chain is the strictest.
            _invoked.set(max(map(_header, rest), key=lambda header: rounds(header, arn)))
            records = [r for r in event["Records"] if r["messageId"] not in ids]
            run(esm, function, {"Records": records}, rest, queue_url, *queue_name)

    lambda_svc._run_sqs_batch = run_what_may


def _looping(batch: Batch, function_arn: str) -> Batch:
    return [each for each in batch if rounds(_header(each), function_arn) >= MOST_ROUNDS]


def _header(message: Mapping[str, Any]) -> str:
    return str((message.get("sys") or {}).get("AWSTraceHeader", ""))


def _give_up(messages: Batch, queue_url: str, function_name: str) -> None:
    queue = sqs._queues[queue_url]
    for message in messages:
        message["receive_count"] = max(message["receive_count"], 1000)  # SQS's highest maximum
        message["visible_at"] = time.time()
        dimensions = {"FunctionName": function_name}
        cloudwatch.record_metric("AWS/Lambda", _METRIC, 1, "Count", dimensions)
    if messages:
        with sqs._queues_lock:
            sqs._dlq_sweep(queue)
