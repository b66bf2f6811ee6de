"""What may go wrong on the operator's side, and the one clear line that says it."""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
)

from straywatch.text import one_line

EXIT_FINE = 0
EXIT_FOUND = 1
EXIT_USAGE = 2
EXIT_INCOMPLETE = 3

_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_UNKNOWN_KEY = frozenset(
    {"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch"}
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "SlowDown",
    }
)


class StraywatchError(Exception):
    """Work that could not be completed (exit code 3). The message is one line, with the remedy."""

    exit_code = EXIT_INCOMPLETE


class WrongUsageError(StraywatchError):
    """Input that cannot be used as given (exit code 2). The message says how to mend it."""

    exit_code = EXIT_USAGE


def explain(error: BotoCoreError | ClientError) -> str:
    """Say in one line what an AWS error means and how to mend it."""
    if isinstance(error, ClientError):
        return _explain_client_error(error)
    hints: tuple[tuple[type[BotoCoreError], str], ...] = (
        (
            NoCredentialsError,
            "no AWS credentials found: set AWS_PROFILE, pass --profile, or run `aws configure`",
        ),
        (PartialCredentialsError, f"{error}: complete them, or pass --profile"),
        (ProfileNotFound, f"{error}: `aws configure list-profiles` shows those that exist"),
        (NoRegionError, "no AWS region set: pass --region or set AWS_REGION"),
        (EndpointConnectionError, f"{error}: check the network and AWS_ENDPOINT_URL"),
        (ConnectTimeoutError, f"{error}: check the network and AWS_ENDPOINT_URL"),
        (ReadTimeoutError, f"{error}: try again"),
    )
    return next(
        (one_line(hint) for kind, hint in hints if isinstance(error, kind)), one_line(error)
    )


def is_sign_in(error: BotoCoreError | ClientError) -> bool:
    """Whether fresh credentials, and nothing else, would help."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "") in _EXPIRED | _UNKNOWN_KEY
    return isinstance(error, (NoCredentialsError, PartialCredentialsError, TokenRetrievalError))


def _explain_client_error(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = one_line(error.response.get("Error", {}).get("Message", "") or code)
    operation = error.operation_name
    if code in _EXPIRED:
        return f"the AWS session has expired ({operation}): sign in again, then repeat the command"
    if code in _UNKNOWN_KEY:
        return f"AWS does not accept these credentials ({operation}: {code}): check them"
    if code in _DENIED:
        return f"access denied on {operation}: {message}"
    if code in _THROTTLED:
        return f"AWS throttles {operation} beyond the retries: wait a minute and repeat"
    return f"{operation} failed with {code}: {message}"


def is_denied(error: ClientError) -> bool:
    """Whether AWS knows who asks, and refuses."""
    return error.response.get("Error", {}).get("Code", "") in _DENIED
