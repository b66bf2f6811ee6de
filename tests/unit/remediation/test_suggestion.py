"""The group an alert may name: only one that is certain."""

from __future__ import annotations

import pytest

from chalicelib.domain.account import User
from straywatch.remediation.planning.suggestion import Certain, NotCertain, suggest_group
from straywatch.remediation.reading.snapshot import Group
from tests.unit.remediation.samples import account, allow, deny, group, user

READ = allow("s3:Get*")


def test_the_one_group_that_gives_the_same_is_certain() -> None:
    """However its document is written."""
    stray = user("a", READ)
    groups = (group("Readers", allow("S3:get*")), group("Others", allow("kms:*")))
    assert suggest_group(stray, account(stray, *groups)) == Certain("Readers")


@pytest.mark.parametrize(
    ("stray", "groups", "reason"),
    [
        (user("a", READ), (), "no group gives exactly"),
        (user("a", READ), (group("More", READ, allow("kms:*")),), "no group gives exactly"),
        (user("a", READ), (group("Less", READ, deny("s3:GetAcl")),), "no group gives exactly"),
        (user("a", READ), (group("One", READ), group("Two", READ)), "2 groups give the same"),
        (user("a"), (group("Idle"),), "holds no permissions"),
        (user("a", READ, groups=("One",)), (group("One", READ),), "is in a group"),
        (user("ses-smtp-user.1", READ), (group("One", READ),), "made by an AWS service"),
    ],
)
def test_anything_less_is_not_certain(stray: User, groups: tuple[Group, ...], reason: str) -> None:
    """A gain, a loss, a choice, or nothing to go by: a person decides."""
    suggestion = suggest_group(stray, account(stray, *groups))
    assert isinstance(suggestion, NotCertain)
    assert reason in suggestion.reason
