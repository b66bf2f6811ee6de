"""What may go wrong on the operator's side, and the one clear line that says it."""

from __future__ import annotations

import traceback

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

from straywatch.text import one_line, shorten

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

_CREDENTIALS = frozenset({"botocore.credentials", "botocore.tokens"})
_CONNECTING = frozenset({"botocore.args", "botocore.endpoint", "botocore.httpsession"})
"""Modules of botocore whose failures are the fault of what they were given."""

_LONGEST = 400


class StraywatchError(Exception):
    """Work that could not be completed (exit code 3). The message is one line, with the remedy."""

    exit_code = EXIT_INCOMPLETE


class WrongUsageError(StraywatchError):
    """Input that cannot be used as given (exit code 2). The message says how to fix it."""

    exit_code = EXIT_USAGE


def explain(error: Exception) -> str:
    """Say in one line what went wrong, whatever it is, and how to fix it."""
    cause = error.__cause__
    match error:
        case StraywatchError():
            return one_line(error)
        case ClientError():
            return _explain_client_error(error)
        case BotoCoreError():
            return _explain_botocore_error(error)
        case _ if isinstance(cause, (BotoCoreError, ClientError)):
            return explain(cause)
        case OSError() if not _CREDENTIALS & set(_way(error)):
            return one_line(error)
        case _:
            return _explain_unforeseen(error)


def is_sign_in(error: BotoCoreError | ClientError) -> bool:
    """Whether fresh credentials, and nothing else, would help."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "") in _EXPIRED | _UNKNOWN_KEY
    return isinstance(error, (NoCredentialsError, PartialCredentialsError, TokenRetrievalError))


def _explain_botocore_error(error: BotoCoreError) -> str:
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
    said = next((hint for kind, hint in hints if isinstance(error, kind)), str(error))
    return shorten(said, _LONGEST)


def _explain_unforeseen(error: Exception) -> str:
    """What nobody thought of, as far as the way it took tells its reason."""
    said = shorten(f"{type(error).__name__}: {error}", _LONGEST)
    way = _way(error)
    if _CREDENTIALS & set(way):
        return (
            f"the credentials cannot be had ({said}): look at the profile in ~/.aws/config, "
            "and at what its credential_process prints"
        )
    if isinstance(error, ValueError) and _CONNECTING & set(way):
        return (
            f"the address cannot be used ({said}): AWS_ENDPOINT_URL looks like "
            "http://127.0.0.1:4566, and a proxy's address likewise"
        )
    ours = [name for name in way if name.startswith(("straywatch.", "chalicelib."))]
    where = f" in {ours[-1]}" if ours else ""
    if isinstance(error, KeyError):
        return (
            f"an answer came without {error}{where}: check that AWS, and no proxy, answers at "
            "AWS_ENDPOINT_URL; --debug shows all of it"
        )
    return (
        f"something unforeseen happened{where} ({said}): run it again with --debug to see all of "
        "it; if AWS, and no proxy, answered here, please report it"
    )


def _way(error: BaseException) -> list[str]:
    """The modules that an exception came through, from the outermost to where it was raised."""
    frames = traceback.walk_tb(error.__traceback__)
    return [str(frame.f_globals.get("__name__", "")) for frame, _ in frames]


def _explain_client_error(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    message = shorten(str(error.response.get("Error", {}).get("Message", "") or code), _LONGEST)
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
