"""What a change set is told to do, and how loudly."""

from __future__ import annotations

from typing import Any

from straywatch.deploy.stack_changes import ChangePreview, changes_of

TABLE = "AWS::DynamoDB::Table"


def raw(action: str, name: str, kind: str, **more: str) -> Any:
    """A resource change as DescribeChangeSet returns it."""
    return {"Action": action, "LogicalResourceId": name, "ResourceType": kind, **more}


def lines(*changes: Any) -> list[str]:
    """The lines of an update's preview."""
    return ChangePreview("straywatch", is_new=False, changes=changes_of(changes)).lines()


def test_every_change_has_its_line() -> None:
    """What is added, changed and removed is told by name and type."""
    told = lines(
        raw("Add", "Sweep", "AWS::Lambda::Function"),
        raw("Modify", "Rule", "AWS::Events::Rule", Replacement="False", PhysicalResourceId="r"),
        raw("Remove", "Old", "AWS::IAM::Role", PhysicalResourceId="o"),
    )
    assert told == [
        "update stack straywatch:",
        "  add    Sweep (AWS::Lambda::Function)",
        "  change Rule (AWS::Events::Rule)",
        "  remove Old (AWS::IAM::Role)",
    ]


def test_a_replaced_table_is_told_loudly_and_last() -> None:
    """Who approves cannot overlook that the findings would be lost."""
    told = lines(
        raw("Modify", "Findings", TABLE, Replacement="True", PhysicalResourceId="t-1"),
        raw("Remove", "Zzz", "AWS::IAM::Role", PhysicalResourceId="z"),
    )
    assert told[-1] == (f"  change Findings ({TABLE}), replaced  !! LOSES the findings in it: t-1")


def test_a_replacement_that_may_happen_counts_as_one() -> None:
    """CloudFormation cannot always tell beforehand; a possible loss is told, too."""
    told = lines(raw("Modify", "Q", "AWS::SQS::Queue", Replacement="Conditional"))
    assert "perhaps replaced  !! LOSES the messages in it" in told[-1]


def test_what_stays_in_the_account_is_no_loss() -> None:
    """A retained resource is told to stay, without alarm."""
    change = raw("Remove", "Findings", TABLE, PhysicalResourceId="t-1", PolicyAction="Retain")
    told = lines(change)
    assert told[-1] == f"  remove Findings ({TABLE}); t-1 stays in the account"


def test_a_kept_old_table_is_no_loss_either() -> None:
    """ReplaceAndRetain leaves the old table where it is."""
    change = raw(
        "Modify",
        "Findings",
        TABLE,
        Replacement="True",
        PhysicalResourceId="t-1",
        PolicyAction="ReplaceAndRetain",
    )
    preview = ChangePreview("straywatch", is_new=False, changes=changes_of([change]))
    assert preview.losses == ()


def test_a_stateless_replacement_is_told_without_alarm() -> None:
    """A function that is replaced loses nothing."""
    told = lines(raw("Modify", "F", "AWS::Lambda::Function", Replacement="True"))
    assert told[-1] == "  change F (AWS::Lambda::Function), replaced"


def test_an_action_not_known_here_is_told_by_its_name() -> None:
    """What AWS may add one day is not hidden."""
    assert "dynamic" in lines(raw("Dynamic", "X", "AWS::CloudFormation::Stack"))[-1]
