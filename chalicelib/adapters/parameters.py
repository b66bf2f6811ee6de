"""SSM Parameter Store: where the configuration document lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def read_parameter(client: SSMClient, name: str) -> str:
    """Read the parameter's text; empty where nobody has made the parameter."""
    try:
        answer = client.get_parameter(Name=name, WithDecryption=True)
    except client.exceptions.ParameterNotFound:
        return ""
    return answer["Parameter"]["Value"]
