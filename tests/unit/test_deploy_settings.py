"""What an operator may choose for a deployment."""

from __future__ import annotations

import pytest

from straywatch.deploy.settings import (
    email_address,
    grace_seconds,
    named_parameters,
    require_home_region,
    require_whole_network,
    stack_name,
    sweep_rate,
)
from straywatch.errors import StraywatchError, WrongUsageError


def test_the_default_stage_has_the_plain_name() -> None:
    """Without a stage the stack is called straywatch."""
    assert stack_name(None) == "straywatch"


def test_a_stage_names_its_stack() -> None:
    """A stage stands behind the name, so that stages live side by side."""
    assert stack_name("blue-2") == "straywatch-blue-2"


@pytest.mark.parametrize("stage", ["", "a b", "-x", "1st", "a_b", "ü", "x" * 33, "a;rm", "a\n"])
def test_a_bad_stage_is_refused(stage: str) -> None:
    """What CloudFormation would not take as a stack name is refused before anything is done."""
    with pytest.raises(WrongUsageError, match="no stage name"):
        stack_name(stage)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("900", 900), ("45s", 45), ("15m", 900), ("2h", 7200), ("7d", 604_800)],
)
def test_a_grace_period_reads_as_people_write_it(text: str, seconds: int) -> None:
    """Seconds, minutes, hours and days are understood, up to and including the limit."""
    assert grace_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "1.5h", "15 m", "15M", "1w", "m", "٣", "1e3", "5m\n"])
def test_what_is_no_grace_period_is_refused(text: str) -> None:
    """A grace period that could be read in two ways is not guessed at."""
    with pytest.raises(WrongUsageError, match="no grace period"):
        grace_seconds(text)


@pytest.mark.parametrize("text", ["604801", "8d", "169h", "999999999d"])
def test_a_grace_period_over_seven_days_is_refused(text: str) -> None:
    """The limit is told, in both ways of writing it."""
    with pytest.raises(WrongUsageError, match=r"604800 s \(7d\)"):
        grace_seconds(text)


@pytest.mark.parametrize("text", ["you@example.com", "a.b+c@mail.example.co.uk", "o'neil@ex-a.org"])
def test_a_mail_address_passes_unchanged(text: str) -> None:
    """Usual addresses are taken as they are."""
    assert email_address(text) == text


@pytest.mark.parametrize(
    "text", ["", "you", "you@", "@example.com", "you@example", "a b@c.de", "a@b..c", "a@b.cd\n"]
)
def test_a_bad_mail_address_is_refused(text: str) -> None:
    """An address to which no mail can go is refused, as alerts would vanish."""
    with pytest.raises(WrongUsageError, match="no mail address"):
        email_address(text)


@pytest.mark.parametrize(
    "text", ["rate(1 hour)", "rate(6 hours)", "rate(15 minutes)", "cron(0 8 * * ? *)"]
)
def test_a_schedule_passes_unchanged(text: str) -> None:
    """What EventBridge takes is taken."""
    assert sweep_rate(text) == text


@pytest.mark.parametrize(
    "text", ["1 hour", "rate(1 hours)", "rate(2 hour)", "rate(0 hours)", "rate()", "cron(0 8 * *)"]
)
def test_a_schedule_that_eventbridge_refuses_is_refused(text: str) -> None:
    """Singular after 1, plural otherwise: caught here, not in the middle of a deployment."""
    with pytest.raises(WrongUsageError, match="no rate"):
        sweep_rate(text)


def test_parameters_are_read_up_to_the_first_equals_sign() -> None:
    """A value may hold equals signs, or be empty."""
    assert named_parameters(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}


@pytest.mark.parametrize("pair", ["A", "=1", ""])
def test_what_is_no_parameter_is_refused(pair: str) -> None:
    """A parameter without a name or a value is not guessed at."""
    with pytest.raises(WrongUsageError, match="KEY=VALUE"):
        named_parameters([pair])


@pytest.mark.parametrize(
    ("partition", "home"),
    [("aws", "us-east-1"), ("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")],
)
def test_only_the_home_region_is_taken(partition: str, home: str) -> None:
    """IAM's events reach one region of a partition; anywhere else the stack would hear nothing."""
    require_home_region(partition, home)
    for region in ("eu-central-1", "us-gov-east-1", None):
        with pytest.raises(StraywatchError, match=f"--region {home}"):
            require_home_region(partition, region)


def test_an_unknown_partition_is_refused() -> None:
    """Where IAM's events arrive is not guessed."""
    with pytest.raises(StraywatchError, match="aws-iso"):
        require_home_region("aws-iso", "us-iso-east-1")


SUBNETS, GROUPS = {"VpcSubnetIds": "subnet-0a1b"}, {"VpcSecurityGroupIds": "sg-0a1b"}


@pytest.mark.parametrize(
    ("parameters", "is_new"),
    [
        (SUBNETS, True),
        (GROUPS, True),
        (SUBNETS | {"VpcSecurityGroupIds": ""}, False),
        (GROUPS | {"VpcSubnetIds": ""}, False),
    ],
)
def test_half_a_network_is_refused(parameters: dict[str, str], *, is_new: bool) -> None:
    """Lambda would refuse subnets alone; with groups alone there would be no VPC, unnoticed."""
    with pytest.raises(WrongUsageError, match="go together"):
        require_whole_network(parameters, is_new=is_new)


@pytest.mark.parametrize(
    ("parameters", "is_new"),
    [({}, True), (SUBNETS | GROUPS, True), (SUBNETS, False), (GROUPS, False)],
)
def test_a_whole_network_or_a_part_that_changes_is_taken(
    parameters: dict[str, str], *, is_new: bool
) -> None:
    """An update leaves as it is what is not given."""
    require_whole_network(parameters, is_new=is_new)
