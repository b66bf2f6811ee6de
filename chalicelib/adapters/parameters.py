"""SSM Parameter Store: where the configuration document lies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def parameter_reader(client: SSMClient, name: str) -> Callable[[], str]:
    """Read the parameter's text; empty where nobody has made the parameter."""

    def read() -> str:
        try:
            answer = client.get_parameter(Name=name, WithDecryption=True)
        except client.exceptions.ParameterNotFound:
            return ""
        return answer["Parameter"]["Value"]

    return read
