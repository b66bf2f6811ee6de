"""The parameter of the exemptions, as Parameter Store has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from straywatch.deploy.configuration import delete_parameter, put_parameter

if TYPE_CHECKING:
    from mypy_boto3_ssm.client import SSMClient
    from mypy_boto3_ssm.type_defs import ParameterMetadataTypeDef

NAME = "/straywatch/config"


@pytest.fixture
def ssm() -> Iterator[SSMClient]:
    """An account of its own."""
    with mock_aws():
        yield boto3.client(
            "ssm", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )


def stored(ssm: SSMClient) -> ParameterMetadataTypeDef:
    """What Parameter Store says of the parameter."""
    (found,) = ssm.describe_parameters()["Parameters"]
    return found


def test_a_new_document_is_stored_at_no_cost(ssm: SSMClient) -> None:
    """The standard tier is free."""
    put_parameter(ssm, NAME, "{}")
    assert (stored(ssm)["Tier"], stored(ssm)["Type"]) == ("Standard", "String")


@pytest.mark.parametrize("size", [4096, 8192])
def test_a_long_document_takes_the_advanced_tier(ssm: SSMClient, size: int) -> None:
    """Only there is room for more than 4 KB."""
    put_parameter(ssm, NAME, "x" * size)
    assert stored(ssm)["Tier"] == ("Standard" if size == 4096 else "Advanced")


def test_a_document_that_became_short_again_is_stored(ssm: SSMClient) -> None:
    """AWS refuses to bring a parameter back from the advanced tier: it would fail for good."""
    put_parameter(ssm, NAME, "x" * 5000)
    put_parameter(ssm, NAME, "short")
    assert stored(ssm)["Tier"] == "Advanced"
    assert ssm.get_parameter(Name=NAME)["Parameter"]["Value"] == "short"


def test_an_encrypted_document_stays_encrypted_with_its_key(ssm: SSMClient) -> None:
    """Whoever has made it a SecureString under a key of their own finds it so."""
    ssm.put_parameter(Name=NAME, Value="{}", Type="SecureString", KeyId="alias/ours")
    put_parameter(ssm, NAME, '{"new": 1}')
    assert (stored(ssm)["Type"], stored(ssm)["KeyId"]) == ("SecureString", "alias/ours")


def test_another_stages_parameter_lends_nothing(ssm: SSMClient) -> None:
    """The name is matched whole."""
    ssm.put_parameter(Name=NAME + "/b", Value="{}", Type="SecureString", KeyId="alias/ours")
    put_parameter(ssm, NAME, "{}")
    found = ssm.get_parameter(Name=NAME)["Parameter"]
    assert found["Type"] == "String"


def test_it_goes_whether_it_is_there_or_not(ssm: SSMClient) -> None:
    """Most deployments never had one."""
    put_parameter(ssm, NAME, "{}")
    for _ in range(2):
        delete_parameter(ssm, NAME)
        assert ssm.describe_parameters()["Parameters"] == []
