"""Removes a deployment and says what stays: the findings, unless they are to go, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from straywatch.aws.sessions import RETRIES
from straywatch.deploy.configuration import delete_parameter
from straywatch.deploy.stack import Absent, Stack, read_stack, removal_command, require_removable
from straywatch.deploy.stack_resources import Resource, read_resources
from straywatch.deploy.stack_watch import watch
from straywatch.errors import StraywatchError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.client import CloudFormationClient
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TABLE = "AWS::DynamoDB::Table"
_RETAINED = frozenset({"Retain", "RetainExceptOnCreate"})


@dataclass(frozen=True)
class RemovalPreview:
    """What a removal takes away with the stack, what after it, and what stays.

    `parameter` holds the exemptions; it is empty where the stack never got so far as to name it.
    """

    stack_name: str
    removed: tuple[Resource, ...]
    tables: tuple[Resource, ...]
    kept: tuple[Resource, ...]
    parameter: str


@dataclass(frozen=True)
class Removed:
    """The stack is gone; `kept` names what stays in the account."""

    kept: tuple[Resource, ...]


@dataclass(frozen=True)
class NothingToRemove:
    """There was no such stack."""


@dataclass(frozen=True)
class NotApproved:
    """The preview was shown and not approved; nothing was removed."""


def destroy(
    session: boto3.Session,
    stack_name: str,
    *,
    delete_findings: bool,
    progress: Callable[[str], None],
    approve: Callable[[RemovalPreview], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> Removed | NothingToRemove | NotApproved:
    """Remove the stack and its exemptions; the findings go only with `delete_findings`.

    Termination protection is for slips elsewhere: once approved, it is lifted here.

    Raises StraywatchError when CloudFormation is at work on the stack or could not remove it
    entirely, naming the first resource that it could not remove and why.
    """
    cloudformation = session.client("cloudformation", config=RETRIES)
    stack = read_stack(cloudformation, stack_name)
    if isinstance(stack, Absent):
        return NothingToRemove()
    require_removable(stack)
    preview = _preview(cloudformation, stack, delete_findings=delete_findings)
    if not approve(preview):
        return NotApproved()
    if stack.is_protected:
        cloudformation.update_termination_protection(
            StackName=stack.stack_id, EnableTerminationProtection=False
        )
    _delete_stack(cloudformation, stack, progress, sleep)
    dynamodb = session.client("dynamodb", config=RETRIES)
    for table in preview.tables:
        progress(f"deleting table {table.physical_id}")
        _delete_table(dynamodb, table.physical_id)
    if preview.parameter:
        progress(f"deleting parameter {preview.parameter}")
        delete_parameter(session.client("ssm", config=RETRIES), preview.parameter)
    return Removed(preview.kept)


def _preview(
    cloudformation: CloudFormationClient, stack: Stack, *, delete_findings: bool
) -> RemovalPreview:
    resources = read_resources(cloudformation, stack.stack_id)
    retaining = _retaining(cloudformation, stack) if resources else frozenset()
    retained = [each for each in resources if each.logical_id in retaining]
    tables = [each for each in retained if delete_findings and each.resource_type == _TABLE]
    return RemovalPreview(
        stack_name=stack.name,
        removed=tuple(each for each in resources if each not in retained),
        tables=tuple(tables),
        kept=tuple(each for each in retained if each not in tables),
        parameter=stack.outputs.get("ConfigParameterName", ""),
    )


def _retaining(cloudformation: CloudFormationClient, stack: Stack) -> frozenset[str]:
    """Name the resources that the stack's own template keeps when the stack goes."""
    found = cloudformation.get_template(StackName=stack.stack_id, TemplateStage="Processed")
    template: Mapping[str, Any] = found["TemplateBody"]
    return frozenset(
        name
        for name, resource in template["Resources"].items()
        if resource.get("DeletionPolicy") in _RETAINED
    )


def _delete_stack(
    cloudformation: CloudFormationClient,
    stack: Stack,
    progress: Callable[[str], None],
    sleep: Callable[[float], None],
) -> None:
    events = watch(cloudformation, stack.stack_id, progress, sleep)
    cloudformation.delete_stack(StackName=stack.stack_id)
    status = events.until_done()
    if status != "DELETE_COMPLETE":
        cause = events.first_failure or "CloudFormation gives no reason"
        again = removal_command(stack.name)
        raise StraywatchError(
            f"stack {stack.name} ended in {status}: {cause}; fix that and repeat `{again}`"
        )


def _delete_table(dynamodb: DynamoDBClient, name: str) -> None:
    """Delete a table, lifting its deletion protection first; one that is gone is fine."""
    try:
        table = dynamodb.describe_table(TableName=name)["Table"]
        if table.get("DeletionProtectionEnabled"):
            dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
