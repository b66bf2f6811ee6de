"""Finds what earlier deployments left in the account: tables that still hold findings."""

from __future__ import annotations

import re

import boto3

from straywatch.aws.sessions import RETRIES
from straywatch.deploy.stack_resources import read_resources


def earlier_tables(session: boto3.Session, stack_name: str) -> tuple[str, ...]:
    """Name the tables that removed stacks called `stack_name` left behind. Raises ClientError.

    CloudFormation names a table STACK-LOGICALID-RANDOM; no logical id has a hyphen, so the tables
    of another stage do not match.
    """
    named_after = re.compile(rf"{re.escape(stack_name)}-[A-Za-z0-9]+-[A-Z0-9]+")
    cloudformation = session.client("cloudformation", config=RETRIES)
    in_use = {each.physical_id for each in read_resources(cloudformation, stack_name)}
    pages = session.client("dynamodb", config=RETRIES).get_paginator("list_tables").paginate()
    names = (name for page in pages for name in page["TableNames"])
    return tuple(name for name in names if named_after.fullmatch(name) and name not in in_use)
