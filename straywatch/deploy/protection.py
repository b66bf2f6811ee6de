"""Keeps a deployment from being deleted by a slip: its stack, and the table of its findings."""

from __future__ import annotations

import boto3

from straywatch.aws.sessions import RETRIES


def protect(session: boto3.Session, stack_name: str, table: str, *, protected: bool) -> None:
    """Protect the stack and its findings from deletion, or lift that. Raises ClientError.

    Not in the template: there the table's protection would keep a first deployment that fails from
    being rolled back, and a template cannot protect its own stack.
    """
    session.client("cloudformation", config=RETRIES).update_termination_protection(
        StackName=stack_name, EnableTerminationProtection=protected
    )
    dynamodb = session.client("dynamodb", config=RETRIES)
    told = dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled", False)
    if told != protected:  # a change that changes nothing makes the table busy for a while
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=protected)
