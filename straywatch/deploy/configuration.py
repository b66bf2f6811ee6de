"""The parameter that holds the exemptions: written as it is kept, removed with the deployment."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, TypedDict

from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterMetadataTypeDef

_LONGEST_STANDARD = 4096
"""Bytes; https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"""


class _Key(TypedDict, total=False):
    """The key that encrypts a SecureString; left out, AWS would take its own instead."""

    KeyId: str


_NEW: ParameterMetadataTypeDef = {"Tier": "Standard", "Type": "String"}


def put_parameter(ssm: SSMClient, name: str, text: str) -> None:
    """Store `text`, as the kind of parameter that is there: its type, its key, its tier.

    AWS refuses to bring a parameter back from the advanced tier, which costs 0.05 USD a month, so
    one that was ever over 4 KB stays there. Raises what boto3 raises, and StraywatchError where the
    answer is not that of a parameter stored.
    """
    found = ssm.describe_parameters(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}]
    )["Parameters"]
    kept = found[0] if found else _NEW
    is_long = len(text.encode()) > _LONGEST_STANDARD
    key: _Key = {"KeyId": kept["KeyId"]} if kept.get("KeyId") else {}
    answer = ssm.put_parameter(
        Name=name,
        Value=text,
        Type=kept.get("Type", "String"),
        Overwrite=True,
        Tier="Advanced" if is_long or kept.get("Tier") == "Advanced" else "Standard",
        Description="Straywatch: who may be in no group, and why",
        **key,
    )
    if "Version" not in answer:
        raise StraywatchError(
            f"what answered is not Parameter Store, so {name} may not be stored: check "
            "AWS_ENDPOINT_URL and the proxy"
        )


def delete_parameter(ssm: SSMClient, name: str) -> None:
    """Delete the parameter; one that nobody has made is fine. Raises what boto3 raises."""
    with contextlib.suppress(ssm.exceptions.ParameterNotFound):
        ssm.delete_parameter(Name=name)
