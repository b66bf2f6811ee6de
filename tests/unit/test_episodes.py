"""What a look shows is not believed against an event only seconds old."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.account import NoSuchUser
from chalicelib.domain.episodes import is_too_fresh
from chalicelib.domain.events import Cause
from chalicelib.domain.marks import IAM_LAG, Mark
from tests.unit.records import ACCOUNT, NOW

AFTER = NOW + timedelta(seconds=1)


def mark(event_name: str) -> Mark:
    """The mark of a name whose bearer was deleted in the second of the call."""
    cause = Cause(event_name=event_name, event_time=NOW)
    return Mark(account=ACCOUNT, user_name="bob", left_at=NOW, cause=cause, deleted_at=NOW)


def test_who_was_made_in_the_second_of_a_deletion_may_not_show_yet() -> None:
    """The name got free and was taken at once: nobody there, a second later, proves nothing."""
    assert is_too_fresh(NoSuchUser(), mark("CreateUser"), AFTER)
    assert not is_too_fresh(NoSuchUser(), mark("CreateUser"), NOW + IAM_LAG)


@pytest.mark.parametrize("deleted_after", [0, 1])
def test_who_left_its_groups_and_was_deleted_is_gone(deleted_after: int) -> None:
    """IAM deletes nobody who is in a group: within one second, too, the deletion was the last."""
    left = replace(mark("RemoveUserFromGroup"), deleted_at=NOW + timedelta(seconds=deleted_after))
    assert not is_too_fresh(NoSuchUser(), left, AFTER)
