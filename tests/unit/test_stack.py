"""Whether a stack can be deployed to or removed, and what mends it if not."""

from __future__ import annotations

import pytest

from straywatch.deploy.stack import (
    Absent,
    Stack,
    removal_command,
    require_deployable,
    require_removable,
)
from straywatch.errors import StraywatchError


def stack(status: str, name: str = "straywatch") -> Stack:
    """A stack in some state."""
    return Stack(name, f"arn:{name}", status, "", frozenset(), {})


def test_a_stack_that_is_not_there_can_be_created() -> None:
    """The first deployment needs nothing to exist."""
    require_deployable(Absent("straywatch"))


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_at_rest_can_be_updated(status: str) -> None:
    """A stack that works, or was brought back to what worked, takes an update."""
    require_deployable(stack(status))


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        ("REVIEW_IN_PROGRESS", "straywatch destroy"),
        ("CREATE_IN_PROGRESS", "wait"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "wait"),
        ("DELETE_IN_PROGRESS", "wait"),
        ("ROLLBACK_COMPLETE", "straywatch destroy"),
        ("ROLLBACK_FAILED", "straywatch destroy"),
        ("CREATE_FAILED", "straywatch destroy"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name straywatch"),
        ("UPDATE_FAILED", "rollback-stack --stack-name straywatch"),
        ("DELETE_FAILED", "straywatch destroy"),
    ],
)
def test_any_other_state_is_refused_with_its_remedy(status: str, remedy: str) -> None:
    """One line names the state and the command that mends it."""
    with pytest.raises(StraywatchError, match=remedy) as refused:
        require_deployable(stack(status))
    assert status in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
def test_a_stack_at_work_is_not_removed(status: str) -> None:
    """Removing waits for CloudFormation to end what it is doing."""
    with pytest.raises(StraywatchError, match="wait"):
        require_removable(stack(status))


@pytest.mark.parametrize("status", ["REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_FAILED"])
def test_leftovers_can_be_removed(status: str) -> None:
    """What a refused deployment is told to remove can be removed."""
    require_removable(stack(status))


def test_the_removal_names_the_stage() -> None:
    """The command that is advised works as it stands, for every stage."""
    assert removal_command("straywatch") == "straywatch destroy"
    assert removal_command("straywatch-blue-2") == "straywatch destroy --stage blue-2"
