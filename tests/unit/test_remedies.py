"""Links lead to the partition's own console, and commands name what is certain."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from chalicelib.messages.remedies import (
    cloudtrail_url,
    console_url,
    exempt_command,
    fix_commands,
    group_commands,
    history_command,
    join_command,
    left_group,
    users_url,
)
from tests.unit.examples import CREATED, FINDING, NOW, REMOVED


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


def test_who_was_taken_out_of_a_group_is_put_back_into_it() -> None:
    """The command names that group, which exists already, and holds no placeholder."""
    assert fix_commands(replace(FINDING, cause=REMOVED)) == (
        "aws iam add-user-to-group --group-name admins --user-name frank",
        exempt_command("frank", NOW),
    )


@pytest.mark.parametrize(
    "group", ["", "x" * 129, "a b", "a;b", "$(x)", "caf\u00e9", "a\n", "\u0661"]
)
def test_what_is_no_group_name_is_not_named(group: str) -> None:
    """Only a name that IAM gives groups stands in the command: else a person chooses."""
    finding = replace(FINDING, cause=replace(REMOVED, group_name=group))
    assert fix_commands(finding)[:-1] == group_commands("frank")


def test_no_other_cause_tells_the_group() -> None:
    """A creation names none, whatever its parameters held; nor is one known without a cause."""
    assert left_group(replace(CREATED, group_name="admins")) == ""
    assert left_group(None) == ""


@pytest.mark.parametrize("group", ["-x", "a,b=c", "+@.", "x" * 128])
def test_any_legal_group_is_named_exactly(group: str) -> None:
    """Also one that looks like an option."""
    assert left_group(replace(REMOVED, group_name=group)) == group
    words = shlex.split(join_command("frank", group))
    joined = f"--group-name={group}" in words
    assert joined or words[words.index("--group-name") + 1] == group
    assert joined == group.startswith("-")
