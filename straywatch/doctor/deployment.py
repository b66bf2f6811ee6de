"""The deployment that the doctor is about, read whole: its stack, its template, what that means."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import boto3

from chalicelib.domain.account import Account
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.stack import Stack
from straywatch.deploy.stack_resources import Resource, read_resources
from straywatch.doctor.expressions import UnknownExpressionError, expressions
from straywatch.doctor.intended import Intended, intended
from straywatch.doctor.invocation import invocation
from straywatch.doctor.world import Ask, Checkout, Unread, World, asking


def read_world(
    session: boto3.Session,
    account: Account,
    stack: Stack,
    checkout: Checkout | Unread,
    clock: Callable[[], datetime],
) -> World:
    """Read all that the doctor goes by. Raises ClientError where the stack cannot be read."""
    ask = asking(session)
    resources = read_resources(session.client("cloudformation", config=RETRIES), stack.name)
    template, found = evaluated(ask, account, session.region_name, stack, resources)
    return World(
        ask=ask,
        account=account,
        region=session.region_name,
        stack=stack,
        resources=resources,
        template=template,
        intended=found,
        checkout=checkout,
        clock=clock,
        invocation=invocation(session, stack.name),
    )


def evaluated(
    ask: Ask, account: Account, region: str, stack: Stack, resources: tuple[Resource, ...]
) -> tuple[Mapping[str, Any] | Unread, tuple[Intended, ...]]:
    """The template as it was given, and what CloudFormation made of it comes to."""
    given = _template(ask, stack, "Original")
    made = _template(ask, stack, "Processed")
    described = ask("cloudformation", "describe_stacks", StackName=stack.name)
    for answer in (given, made):
        if isinstance(answer, Unread):
            return answer, ()
    if isinstance(made, Unread) or not isinstance(described, Mapping):
        return Unread("the stack's parameters could not be read"), ()
    told = described["Stacks"][0].get("Parameters", [])
    values = {p["ParameterKey"]: p.get("ResolvedValue", p["ParameterValue"]) for p in told}
    try:
        pseudo = _pseudo(account, region, stack)
        ids = {each.logical_id: each.physical_id for each in resources}
        return given, intended(made, expressions(made, pseudo, values, ids))
    except UnknownExpressionError as error:
        return Unread(f"the stack's template cannot be evaluated: {error}"), ()


def _template(ask: Ask, stack: Stack, stage: str) -> Mapping[str, Any] | Unread:
    answer = ask("cloudformation", "get_template", StackName=stack.name, TemplateStage=stage)
    if not isinstance(answer, Mapping):
        return answer if isinstance(answer, Unread) else Unread("the stack has no template")
    body = answer.get("TemplateBody")
    try:
        document = json.loads(body) if isinstance(body, str) else body
    except ValueError:
        document = None
    if isinstance(document, Mapping) and isinstance(document.get("Resources"), Mapping):
        return document
    return Unread("the stack's template is not one that Straywatch has made")


def _pseudo(account: Account, region: str, stack: Stack) -> Mapping[str, str]:
    china = account.partition == "aws-cn"
    return {
        "AWS::AccountId": account.account_id,
        "AWS::Partition": account.partition,
        "AWS::Region": region,
        "AWS::StackId": stack.stack_id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
