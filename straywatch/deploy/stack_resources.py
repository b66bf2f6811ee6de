"""What a stack consists of: its resources by their names in the template and in AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient


@dataclass(frozen=True)
class Resource:
    """A resource of a stack by its name in the template, its type and its name in AWS."""

    logical_id: str
    resource_type: str
    physical_id: str

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.resource_type}): {self.physical_id}"


def read_resources(cloudformation: CloudFormationClient, stack: str) -> tuple[Resource, ...]:
    """Read the resources that exist in the stack of this name or id. Raises ClientError."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    return tuple(
        Resource(each["LogicalResourceId"], each["ResourceType"], each["PhysicalResourceId"])
        for page in pages
        for each in page["StackResourceSummaries"]
        if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE"
    )
