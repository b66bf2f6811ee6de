"""Links lead where the partition's own console is, and nowhere else."""

from __future__ import annotations

import shlex

import pytest

from chalicelib.remedies import cloudtrail_url, console_url, history_command, users_url
from tests.unit.examples import CREATED


@pytest.mark.parametrize(
    ("partition", "host", "region"),
    [
        ("aws", "us-east-1.console.aws.amazon.com", "us-east-1"),
        ("aws-cn", "cn-north-1.console.amazonaws.cn", "cn-north-1"),
        ("aws-us-gov", "us-gov-west-1.console.amazonaws-us-gov.com", "us-gov-west-1"),
    ],
)
def test_links_are_right_for_the_partition(partition: str, host: str, region: str) -> None:
    """IAM's console of the partition, and CloudTrail in the region where IAM's events are."""
    assert console_url(partition, "a+b") == f"https://{host}/iam/home#/users/details/a%2Bb"
    assert users_url(partition) == f"https://{host}/iam/home#/users"
    history = f"https://{host}/cloudtrailv2/home?region={region}#/events"
    assert cloudtrail_url(partition, CREATED, "frank") == f"{history}?EventId={CREATED.event_id}"
    assert cloudtrail_url(partition, None, "frank") == f"{history}?ResourceName=frank"
    assert f"--region {region} " in history_command(partition, "frank")


def test_an_unknown_partition_has_no_link() -> None:
    """A link into another partition's console would show somebody else's account, or nothing."""
    assert console_url("aws-iso", "frank") == ""
    assert cloudtrail_url("aws-iso", CREATED, "frank") == ""


def test_a_comma_does_not_end_the_name() -> None:
    """The AWS CLI's shorthand would split a name at its comma."""
    assert shlex.split(history_command("aws", "a,b"))[-1] == (
        'AttributeKey=ResourceName,AttributeValue="a,b"'
    )
