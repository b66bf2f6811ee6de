"""Holds every call that a test makes, and every answer that it makes up, to AWS's own model.

Installed by `tests/conftest.py` into each session of botocore, and called by the simulation's
clients. Answers of moto are not held to it: nobody here makes them up. The embedded AWS tells by
itself what it answered unlike AWS; `tests/e2e/conftest.py` asks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import botocore
from botocore import xform_name
from botocore.model import OperationModel
from botocore.session import Session

from straywatch.local.bridge.aws_model import (
    breaches_of_answer,
    breaches_of_request,
    service_model,
)
from straywatch.local.bridge.exchange import LOCAL_HEADER


class UnlikeAwsError(AssertionError):
    """A request that AWS would refuse, or an answer that it could not give."""


def install() -> None:
    """Check the calls of every session that is made from now on."""
    botocore.register_initializer(_watch)


def unchecked(client: Any) -> Any:
    """Let a client send what AWS would refuse: whether somebody refuses it is the test's matter."""
    client.meta.events.unregister("before-parameter-build", _request)
    return client


def hold_request(service: str, method: str, request: Mapping[str, Any]) -> None:
    """Check a call of a client's method. Raises UnlikeAwsError."""
    _complain("asked", service, breaches_of_request(_operation(service, method), request))


def hold_answer(service: str, method: str, answer: Mapping[str, Any]) -> None:
    """Check an answer to a client's method. Raises UnlikeAwsError."""
    _complain("answered", service, breaches_of_answer(_operation(service, method), answer))


def _watch(session: Session) -> None:
    session.register("before-parameter-build", _request)
    session.register("after-call", _answer)


def _request(**event: Any) -> None:
    model: OperationModel = event["model"]
    _complain(
        "asked", model.service_model.service_name, breaches_of_request(model, event["params"])
    )


def _answer(**event: Any) -> None:
    model, answer = event["model"], event["http_response"]
    if answer.status_code < 300 and not _made_elsewhere(answer):
        _complain(
            "answered", model.service_model.service_name, breaches_of_answer(model, event["parsed"])
        )


def _service(model: OperationModel) -> str:
    return model.service_model.service_name


def _made_elsewhere(answer: Any) -> bool:
    """Whether moto gave it, or the embedded AWS, which keeps an account of its own."""
    return "amazonaws.com" in str(answer.url) or LOCAL_HEADER in answer.headers


def _complain(did: str, service: str, breaches: Any) -> None:
    if breaches:
        raise UnlikeAwsError(f"{service} was {did}: " + "; ".join(map(str, breaches)))


@cache
def _operation(service: str, method: str) -> OperationModel:
    model = service_model(service)
    return next(
        model.operation_model(name) for name in model.operation_names if xform_name(name) == method
    )
