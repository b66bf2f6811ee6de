"""A function of the deployment, invoked by hand: the counts that it answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from straywatch.aws.sessions import RETRIES
from straywatch.errors import StraywatchError
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

# The function's own timeout (15 minutes); a repeated call would do its work twice.
_PATIENT = RETRIES.merge(Config(read_timeout=910, retries={"total_max_attempts": 1}))


def invoked(
    session: boto3.Session, function: str, asked: Mapping[str, str]
) -> InvocationResponseTypeDef:
    """What the function answers, once it is done. Raises what botocore raises."""
    client = session.client("lambda", config=_PATIENT)
    return client.invoke(FunctionName=function, Payload=json.dumps(asked).encode())


def counts_in(answer: InvocationResponseTypeDef, who: str, *names: str) -> dict[str, int]:
    """The counts of these names that `who` answered.

    Raises StraywatchError if it failed, or answered something else.
    """
    payload = answer["Payload"].read()
    try:
        result = json.loads(payload)
    except (ValueError, RecursionError):
        result = None
    if answer.get("FunctionError"):
        told = result.get("errorMessage", result) if isinstance(result, dict) else payload
        raise StraywatchError(f"{who} failed: {one_line(told)}")
    if not isinstance(result, dict) or not result.keys() >= set(names):
        said = one_line(payload[:100].decode(errors="replace"))
        raise StraywatchError(
            f"{who} answered {said!r}, not its counts: check AWS_ENDPOINT_URL and the proxy"
        )
    return result
