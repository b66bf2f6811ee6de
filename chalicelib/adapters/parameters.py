"""SSM Parameter Store: where the configuration document lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.domain.exemptions import Parameter

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


def read_parameter(client: SSMClient, name: str) -> str:
    """Read the parameter's text; empty where nobody has made the parameter."""
    return read_edition(client, name).text


def read_edition(client: SSMClient, name: str) -> Parameter:
    """Read the parameter; its text is empty where nobody has made it.

    Versions begin anew in one that was deleted and made again: its date tells it from the first.
    """
    try:
        found = client.get_parameter(Name=name, WithDecryption=True)["Parameter"]
    except client.exceptions.ParameterNotFound:
        return Parameter("", "none")
    return Parameter(found["Value"], f"{found['Version']} of {found['LastModifiedDate']}")
