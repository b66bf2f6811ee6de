"""A CloudFormation stack as it stands, and whether it can be deployed to or removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient

DEFAULT_NAME = "straywatch"

_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
_NEVER_CAME_UP = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})


@dataclass(frozen=True)
class Absent:
    """There is no stack of this name."""

    name: str


@dataclass(frozen=True)
class Stack:
    """A stack that exists, in whatever state."""

    name: str
    stack_id: str
    status: str
    reason: str
    parameters: frozenset[str]
    outputs: Mapping[str, str]
    is_protected: bool = False


def read_stack(cloudformation: CloudFormationClient, name: str) -> Stack | Absent:
    """Read the stack called `name`, or of that stack id. Raises ClientError."""
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if _says_absent(error):
            return Absent(name)
        raise
    return Stack(
        name=found["StackName"],
        stack_id=found["StackId"],
        status=found["StackStatus"],
        reason=found.get("StackStatusReason", ""),
        parameters=frozenset(each["ParameterKey"] for each in found.get("Parameters", [])),
        outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        is_protected=found.get("EnableTerminationProtection", False),
    )


def _says_absent(error: ClientError) -> bool:
    # CloudFormation has no code of its own for this: a ValidationError says it in words
    told = error.response["Error"]
    return told["Code"] == "ValidationError" and "does not exist" in told["Message"]


def require_deployable(stack: Stack | Absent) -> None:
    """Raise StraywatchError, with the way to fix it, unless `stack` can be created or updated."""
    if isinstance(stack, Absent) or stack.status in _UPDATABLE:
        return
    raise StraywatchError(f"stack {stack.name} is in {stack.status}: {_mend(stack)}")


def require_removable(stack: Stack) -> None:
    """Raise StraywatchError if CloudFormation is at work on `stack`."""
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise StraywatchError(f"stack {stack.name} is in {stack.status}: {_mend(stack)}")


def _mend(stack: Stack) -> str:
    """Say what brings `stack` back to a state in which it can be deployed to."""
    removal = f"`{removal_command(stack.name)}`"
    if stack.status == "REVIEW_IN_PROGRESS":
        return (
            "another first deployment awaits its approval or was broken off; "
            f"if none is running, {removal} clears it"
        )
    if stack.status.endswith("_IN_PROGRESS"):
        return "CloudFormation is at work on it; wait until it has ended, then repeat"
    if stack.status in _NEVER_CAME_UP:
        return f"its first deployment failed; remove it with {removal}, then deploy again"
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        return (
            "an update failed and could not be taken back; fix what "
            f"`aws cloudformation describe-stack-events --stack-name {stack.name}` shows, run "
            f"`aws cloudformation continue-update-rollback --stack-name {stack.name}`, then repeat"
        )
    if stack.status == "DELETE_FAILED":
        return f"it could not be removed entirely; repeat {removal}, then deploy again"
    return (
        "it cannot be updated; take the failed update back with "
        f"`aws cloudformation rollback-stack --stack-name {stack.name}`, then repeat"
    )


def removal_command(name: str) -> str:
    """Return the command that removes the stack called `name`."""
    if name == DEFAULT_NAME:
        return "straywatch destroy"
    return f"straywatch destroy --stage {name.removeprefix(DEFAULT_NAME + '-')}"
