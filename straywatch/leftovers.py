"""Finds what earlier deployments left in the account: tables that still hold findings."""

from __future__ import annotations

import re

import boto3

from straywatch.aws import RETRIES


def earlier_tables(session: boto3.Session, stack_name: str, current: str) -> tuple[str, ...]:
    """Name the tables of removed stacks called `stack_name`, without the `current` one.

    CloudFormation names a table STACK-LOGICALID-RANDOM; no logical id has a hyphen, so the tables
    of another stage do not match. Raises ClientError.
    """
    own = re.compile(rf"{re.escape(stack_name)}-[A-Za-z0-9]+-[A-Z0-9]+")
    pages = session.client("dynamodb", config=RETRIES).get_paginator("list_tables").paginate()
    names = (name for page in pages for name in page["TableNames"])
    return tuple(name for name in names if own.fullmatch(name) and name != current)
