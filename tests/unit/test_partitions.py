"""Partitions: which one a region and a caller are of, and where IAM is at home in it."""

from __future__ import annotations

import pytest

from chalicelib.domain.account import Account, account_of_arn
from chalicelib.domain.partitions import HOME_REGIONS, partition_of_region


@pytest.mark.parametrize("partition", HOME_REGIONS)
def test_the_home_region_is_of_its_partition(partition: str) -> None:
    """An event of IAM's is of the partition whose home region it comes from."""
    assert partition_of_region(HOME_REGIONS[partition]) == partition


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws-us-gov:sts::123456789012:assumed-role/a/b",
        "arn:aws-us-gov:iam::123456789012:user/path/ann",
        "arn:aws-us-gov:iam::123456789012:root",
    ],
)
def test_the_account_comes_from_the_caller(arn: str) -> None:
    """The caller's ARN tells the account and its partition, whoever the caller is."""
    assert account_of_arn(arn) == Account("aws-us-gov", "123456789012")
