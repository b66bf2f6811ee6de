"""Whether a call that failed certainly changed nothing, or may have been carried out."""

from __future__ import annotations

from http import HTTPStatus

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from straywatch.errors import explain, is_sign_in
from straywatch.remediation.applying.steps import CREATE, DELETE, DETACH, Step
from straywatch.text import one_line

Failure = ClientError | BotoCoreError | ResponseParserError

_NEVER_SENT = (
    ParamValidationError,
    NoCredentialsError,
    PartialCredentialsError,
    TokenRetrievalError,
    NoRegionError,
)
_DOUBTFUL = frozenset(
    {
        "",
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceFailure",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "Unknown",
    }
)
"""Answers after which a call may have been carried out: IAM API Reference, "Common Errors", those
with status 5xx, and timeouts."""
_THROTTLED = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"})
_CAUSED_BY_SUCCESS = {
    CREATE: frozenset({"EntityAlreadyExists", "LimitExceeded"}),
    DETACH: frozenset({"NoSuchEntity"}),
    DELETE: frozenset({"NoSuchEntity"}),
}
"""What a call answers when an attempt before it succeeded and the answer to that was lost."""


def code_of(error: Failure) -> str:
    """AWS's code for an error; empty where none arrived."""
    if not isinstance(error, ClientError):
        return ""
    return error.response.get("Error", {}).get("Code", "")


def words(error: Failure) -> str:
    """The failure in one line, with what fixes it."""
    if isinstance(error, ResponseParserError):
        return f"AWS's answer could not be read ({one_line(error)}): check what is in between"
    return explain(error)


def is_for_everybody(error: Failure) -> bool:
    """Tell whether what stands in the way would stand in the way of every call."""
    if isinstance(error, ResponseParserError):
        return True
    return is_throttled(error) or is_sign_in(error)


def is_throttled(error: Failure) -> bool:
    """Tell whether AWS refused the call only for now, as there were too many."""
    return code_of(error) in _THROTTLED


def is_refused(step: Step, error: Failure) -> bool:
    """Tell whether AWS refused the step outright, so that it certainly did not happen.

    Only timeouts, lost connections and errors of status 5xx leave that open; and a refusal that an
    earlier attempt of the same call, retried by the SDK, may itself have caused.
    """
    if not isinstance(error, ClientError):
        return isinstance(error, _NEVER_SENT)
    answer = error.response.get("ResponseMetadata", {})
    status = answer.get("HTTPStatusCode", HTTPStatus.BAD_REQUEST)
    if code_of(error) in _DOUBTFUL or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return is_throttled(error)
    if not answer.get("RetryAttempts", 0):
        return True
    return not is_throttled(error) and code_of(error) not in _CAUSED_BY_SUCCESS.get(
        step.kind, frozenset()
    )
