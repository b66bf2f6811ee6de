"""What a change set is going to do, told before it runs, with every loss of data told loudly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ResourceChangeTypeDef

STATEFUL = {
    "AWS::DynamoDB::Table": "the findings in it",
    "AWS::SQS::Queue": "the messages in it",
    "AWS::SNS::Topic": "its subscriptions",
    "AWS::SNS::Subscription": "its confirmation",
    "AWS::KMS::Key": "everything encrypted under it",
    "AWS::Logs::LogGroup": "the logs in it",
    "AWS::S3::Bucket": "the objects in it",
    "AWS::SecretsManager::Secret": "the secret in it",
}
"""Resource types that hold something, and what goes with them."""

_VERBS = {"Add": "add", "Modify": "change", "Remove": "remove", "Import": "import"}
_REPLACED = {"True": "replaced", "Conditional": "perhaps replaced"}


@dataclass(frozen=True)
class ResourceChange:
    """One resource that a change set adds, changes, removes or imports.

    `replacement` is "", "replaced" or "perhaps replaced"; `kept` says that what is removed from
    the stack stays in the account.
    """

    action: str
    logical_id: str
    resource_type: str
    physical_id: str
    replacement: str
    kept: bool

    @property
    def loss(self) -> str:
        """What is lost with the old resource, or "" if nothing is."""
        goes = self.action == "remove" or self.replacement
        return STATEFUL.get(self.resource_type, "") if goes and not self.kept else ""

    def __str__(self) -> str:
        line = f"{self.action:<7}{self.logical_id} ({self.resource_type})"
        if self.replacement:
            line += f", {self.replacement}"
        if self.kept:
            line += f"; {self.physical_id} stays in the account"
        if self.loss:
            line += f"  !! LOSES {self.loss}: {self.physical_id}"
        return line


@dataclass(frozen=True)
class ChangePreview:
    """All that a change set is going to do to a stack.

    One that changes no resource may still change the outputs: CloudFormation lists no change then,
    and calls a change set that would do nothing at all failed.
    """

    stack_name: str
    is_new: bool
    changes: tuple[ResourceChange, ...]
    is_empty: bool = False

    @property
    def losses(self) -> tuple[ResourceChange, ...]:
        """The changes that lose data."""
        return tuple(change for change in self.changes if change.loss)

    def lines(self) -> list[str]:
        """Tell the changes, one on a line, losses last so that they stay in sight."""
        ordered = sorted(self.changes, key=lambda each: (bool(each.loss), each.action))
        verb = "create" if self.is_new else "update"
        told = [str(change) for change in ordered] or ["no resource; its outputs or tags alone"]
        return [f"{verb} stack {self.stack_name}:", *(f"  {line}" for line in told)]


def changes_of(resource_changes: Iterable[ResourceChangeTypeDef]) -> tuple[ResourceChange, ...]:
    """Read the resource changes of DescribeChangeSet."""
    return tuple(
        ResourceChange(
            action=_VERBS.get(each["Action"], each["Action"].lower()),
            logical_id=each["LogicalResourceId"],
            resource_type=each["ResourceType"],
            physical_id=each.get("PhysicalResourceId", ""),
            replacement=_REPLACED.get(each.get("Replacement", ""), ""),
            kept="Retain" in each.get("PolicyAction", ""),
        )
        for each in resource_changes
    )
