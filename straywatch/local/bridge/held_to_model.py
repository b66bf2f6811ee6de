"""Holds what callers ask, and what the emulator answers, to AWS's own models."""

from __future__ import annotations

from collections.abc import Sequence

from straywatch.local.bridge.aws_model import breaches_of_answer, breaches_of_request
from straywatch.local.bridge.exchange import Exchange, HeldResponse
from straywatch.local.bridge.limits import Refusal
from straywatch.local.bridge.protocols import UnreadError, answer_of, operation_of, request_of

_SUCCESS = range(200, 300)


def invalid(exchange: Exchange) -> Sequence[Refusal]:
    """Return why AWS would find a request malformed, as a list of none or one."""
    headers, body = exchange.headers, exchange.body
    try:
        operation = operation_of(exchange.service, headers, body)
        breaches = breaches_of_request(operation, request_of(operation, headers, body))
    except UnreadError:
        return []
    code = "ValidationException" if "json" in headers.get("content-type", "") else "ValidationError"
    told = "; ".join(map(str, breaches))
    return [Refusal(code, f"{len(breaches)} validation error detected: {told}")] if told else []


def unlike_aws(exchange: Exchange, answer: HeldResponse) -> Sequence[str]:
    """Return what AWS could not have answered, each as `service: where: what`."""
    if answer.status not in _SUCCESS:
        return []
    try:
        operation = operation_of(exchange.service, exchange.headers, exchange.body)
    except UnreadError:
        return []
    told = answer_of(operation, answer.status, answer.headers, answer.body)
    return [f"{exchange.service}: {each}" for each in breaches_of_answer(operation, told)]
