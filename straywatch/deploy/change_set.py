"""A CloudFormation change set from its creation to its end: run, or discarded without a trace."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from straywatch.deploy.stack import Absent, Stack
from straywatch.deploy.stack_changes import ChangePreview, ResourceChange, changes_of
from straywatch.deploy.stack_watch import pauses
from straywatch.errors import StraywatchError
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        DescribeChangeSetOutputTypeDef,
        ParameterTypeDef,
        TagTypeDef,
    )

_NOTHING_TO_CHANGE = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True)
class Terms:
    """How an account wants a stack deployed.

    `role_arn` is the role that CloudFormation works with instead of the caller's, `tags` are put on
    the stack and on all that is in it (without any, the stack's stay), `bucket` takes the package
    instead of a bucket of ours. Empty is "no wish".
    """

    role_arn: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    bucket: str = ""


NO_WISHES = Terms()


@dataclass(frozen=True)
class ChangeSet:
    """A change set that waits for a decision."""

    cloudformation: CloudFormationClient
    change_set_id: str
    stack_id: str
    preview: ChangePreview

    def execute(self) -> None:
        """Start the changes."""
        self.cloudformation.execute_change_set(
            ChangeSetName=self.change_set_id, StackName=self.stack_id
        )

    def discard(self) -> None:
        """Delete the change set and, if it was to create its stack, the empty stack with it."""
        _discard(self.cloudformation, self.change_set_id, self.stack_id, is_new=self.preview.is_new)


def create_change_set(
    cloudformation: CloudFormationClient,
    stack: Stack | Absent,
    template_url: str,
    parameters: Sequence[ParameterTypeDef],
    sleep: Callable[[float], None],
    *,
    terms: Terms = NO_WISHES,
) -> ChangeSet:
    """Ask CloudFormation what deploying the template would do, and do nothing yet.

    Raises StraywatchError if CloudFormation cannot make the change set; nothing is left behind.
    """
    is_new = isinstance(stack, Absent)
    made = cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=f"deploy-{uuid.uuid4().hex}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateURL=template_url,
        Parameters=parameters,
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        **_wishes(terms),
    )
    change_set_id, stack_id = made["Id"], made["StackId"]
    try:
        ended = _wait(cloudformation, change_set_id, stack_id, sleep)
        empty = _require_usable(ended)
        changes = () if empty else _changes(cloudformation, change_set_id, stack_id)
    except BaseException:  # an interrupt, too, must not leave an empty stack in the way
        _discard(cloudformation, change_set_id, stack_id, is_new=is_new)
        raise
    preview = ChangePreview(stack.name, is_new, changes, is_empty=empty)
    return ChangeSet(cloudformation, change_set_id, stack_id, preview)


class _Wishes(TypedDict, total=False):
    RoleARN: str
    Tags: Sequence[TagTypeDef]


def _wishes(terms: Terms) -> _Wishes:
    wishes: _Wishes = {}
    if terms.role_arn:
        wishes["RoleARN"] = terms.role_arn
    if terms.tags:
        wishes["Tags"] = [{"Key": key, "Value": value} for key, value in terms.tags.items()]
    return wishes


def _wait(
    cloudformation: CloudFormationClient,
    change_set_id: str,
    stack_id: str,
    sleep: Callable[[float], None],
) -> DescribeChangeSetOutputTypeDef:
    for pause in pauses():
        # the stack as well: permissions are about stacks, not about change sets
        found = cloudformation.describe_change_set(ChangeSetName=change_set_id, StackName=stack_id)
        if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            return found
        sleep(pause)
    raise StraywatchError("CloudFormation has not made the change set within an hour: try again")


def _require_usable(ended: DescribeChangeSetOutputTypeDef) -> bool:
    """Return whether the change set is empty. Raises StraywatchError if it could not be made."""
    if ended["Status"] == "CREATE_COMPLETE":
        return False
    reason = ended.get("StatusReason", "")
    if any(words in reason for words in _NOTHING_TO_CHANGE):
        return True
    raise StraywatchError(f"CloudFormation refuses the change set: {one_line(reason)}")


def _changes(
    cloudformation: CloudFormationClient, change_set_id: str, stack_id: str
) -> tuple[ResourceChange, ...]:
    pages = cloudformation.get_paginator("describe_change_set").paginate(
        ChangeSetName=change_set_id, StackName=stack_id
    )
    return changes_of(
        change["ResourceChange"]
        for page in pages
        for change in page["Changes"]
        if "ResourceChange" in change
    )


def _discard(
    cloudformation: CloudFormationClient, change_set_id: str, stack_id: str, *, is_new: bool
) -> None:
    cloudformation.delete_change_set(ChangeSetName=change_set_id, StackName=stack_id)
    if is_new:
        cloudformation.delete_stack(StackName=stack_id)
