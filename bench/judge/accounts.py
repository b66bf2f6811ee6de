"""Random accounts of a few users, with all that makes access hard to compare, and requests."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from tests.unit.remediation.conditions import Context

ACCOUNT_ID = "123456789012"
POLICY = f"arn:aws:iam::{ACCOUNT_ID}:policy/"
TEAMS = ("blue", "red")
ACTIONS = (
    "s3:GetObject", "s3:Get*", "S3:getobject", "s3:?etObject", "s3:*Object", "s3:*",
    "s3:ListBucket", "s3:PutObject", "sqs:SendMessage", "sqs:*", "sqs:*Message", "sns:Publish",
    "dynamodb:*Item", "secretsmanager:GetSecretValue", "iam:List*", "iam:*", "*",
)  # fmt: skip
_S3 = "arn:aws:s3:::"
_SQS = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:"
PLACES = (
    "*", f"{_S3}*", f"{_S3}a", f"{_S3}a/*", f"{_S3}a/x", f"{_S3}?/x", f"{_S3}a/${{aws:username}}/*",
    f"{_S3}${{aws:PrincipalTag/team}}/*", f"{_S3}a/${{aws:PrincipalTag/team, 'none'}}/*",
    f"{_S3}a/${{*}}", f"{_SQS}q", f"{_SQS}*", "arn:aws:sqs:*:*:q", f"{_SQS}${{aws:username}}",
    "arn:*:sns:*:*:t", "arn:aws:dynamodb:*:*:table/t*",
    "arn:aws:secretsmanager:*:*:secret:a-??????",
    f"arn:aws:iam::{ACCOUNT_ID}:user/${{aws:username}}",
)  # fmt: skip
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
    {"Null": {"aws:MultiFactorAuthPresent": "false"}},
    {"StringEquals": {"aws:PrincipalTag/team": ["blue", "red"]}},
    {"StringNotEquals": {"aws:PrincipalTag/team": "red"}},
    {"StringEqualsIgnoreCase": {"aws:PrincipalTag/team": "BLUE"}},
    {"StringLike": {"aws:username": "u*"}, "Bool": {"aws:SecureTransport": "true"}},
    {"StringLike": {"aws:PrincipalTag/team": "${aws:username}*"}},
    {"StringNotLike": {"aws:username": ["u1", "u?2"]}},
    {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.7"]}},
    {"NotIpAddress": {"aws:SourceIp": "10.1.0.0/16"}},
    {"DateLessThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
    {"DateGreaterThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
    {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
    {"NumericGreaterThanIfExists": {"aws:MultiFactorAuthAge": "60"}},
    {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/u*"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": "t*"}},
    {"StringEquals": {"aws:RequestedRegion": "us-east-1", "aws:PrincipalTag/team": "blue"}},
)  # fmt: skip
ASKED = (
    *((f"s3:{verb}Object", place) for verb in ("Get", "Put", "Delete") for place in (
        f"{_S3}a/x", f"{_S3}a/u1/x", f"{_S3}b/x", f"{_S3}a/$x", f"{_S3}blue/y", f"{_S3}a/none/z",
    )),
    *((f"s3:{verb}", f"{_S3}{bucket}") for verb in ("ListBucket", "GetBucketPolicy")
      for bucket in ("a", "b")),
    *((f"sqs:{verb}Message", f"{_SQS}{queue}") for verb in ("Send", "Receive")
      for queue in ("q", "u1", "p")),
    ("sns:Publish", f"arn:aws:sns:eu-west-1:{ACCOUNT_ID}:t"),
    ("dynamodb:GetItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/t1"),
    ("dynamodb:PutItem", f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/other"),
    ("secretsmanager:GetSecretValue",
     f"arn:aws:secretsmanager:us-east-1:{ACCOUNT_ID}:secret:a-AbCdEf"),
    ("iam:GetUser", f"arn:aws:iam::{ACCOUNT_ID}:user/u1"),
    ("iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT_ID}:user/u2"),
    ("iam:ListUsers", "*"),
)  # fmt: skip
"""What is asked: actions that AWS has, each on a resource of a type that it takes."""


@dataclass(frozen=True)
class Asked:
    """One request: who asks is said beside it."""

    action: str
    resource: str
    context: Context


def statement(dice: random.Random) -> dict[str, Any]:
    """A statement with, now and then, a Deny, an all-but element, a condition."""
    made: dict[str, Any] = {"Effect": "Deny" if dice.random() < 0.15 else "Allow"}
    element = "NotAction" if dice.random() < 0.1 else "Action"
    made[element] = dice.sample(ACTIONS, dice.randint(1, 3))
    element = "NotResource" if dice.random() < 0.1 else "Resource"
    made[element] = dice.sample(PLACES, dice.randint(1, 3))
    if dice.random() < 0.35:
        made["Condition"] = dice.choice(CONDITIONS)
    return made


def document(dice: random.Random, pool: list[dict[str, Any]], most: int = 3) -> str:
    """A document of some statements of the pool."""
    statements = dice.sample(pool, dice.randint(1, most))
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def populate(iam: IAMClient, dice: random.Random) -> None:
    """Fill an empty account: users and groups who share statements, documents and boundaries."""
    pool = [statement(dice) for _ in range(7)]
    documents = [document(dice, pool) for _ in range(4)]
    policies = [f"{POLICY}P{number}" for number in range(3)]
    for number in range(3):
        iam.create_policy(PolicyName=f"P{number}", PolicyDocument=document(dice, pool))
    groups = [f"G{number}" for number in range(dice.randint(0, 2))]
    for name in groups:
        iam.create_group(GroupName=name)
        if dice.random() < 0.6:
            iam.attach_group_policy(GroupName=name, PolicyArn=dice.choice(policies))
        if dice.random() < 0.6:
            text = dice.choice(documents)
            iam.put_group_policy(GroupName=name, PolicyName="own", PolicyDocument=text)
    for number in range(dice.randint(2, 6)):
        _user(iam, dice, f"u{number}", policies, documents)
        for group in groups:
            if dice.random() < 0.2:
                iam.add_user_to_group(GroupName=group, UserName=f"u{number}")


def _user(
    iam: IAMClient,
    dice: random.Random,
    name: str,
    policies: list[str],
    documents: list[str],
) -> None:
    iam.create_user(UserName=name)
    for arn in dice.sample(policies, dice.randint(0, 2)):
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    for number, text in enumerate(dice.sample(documents, dice.randint(0, 2))):
        iam.put_user_policy(UserName=name, PolicyName=f"own-{number}", PolicyDocument=text)
    if dice.random() < 0.25:
        iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=dice.choice(policies))


def context(dice: random.Random, name: str) -> dict[str, str | list[str]]:
    """What may accompany a request of this user: each key is there or not."""
    made: dict[str, str | list[str]] = {
        "aws:username": name,
        "aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT_ID}:user/{name}",
        "aws:SecureTransport": dice.choice(["true", "true", "false"]),
        "aws:RequestedRegion": dice.choice(["us-east-1", "eu-west-1"]),
        "aws:CurrentTime": dice.choice(["2026-01-15T10:00:00Z", "2026-11-15T10:00:00Z"]),
        "aws:SourceIp": dice.choice(["10.0.0.1", "10.1.2.3", "192.0.2.7", "203.0.113.9"]),
    }
    if dice.random() < 0.6:
        made["aws:PrincipalTag/team"] = dice.choice([*TEAMS, name, "a", "*"])
    if dice.random() < 0.6:
        made["aws:MultiFactorAuthPresent"] = dice.choice(["true", "false"])
        made["aws:MultiFactorAuthAge"] = dice.choice(["30", "600", "7200"])
    if dice.random() < 0.4:
        made["aws:TagKeys"] = dice.choice([["team"], ["team", "other"], ["cost"], ["x"]])
    return made


def requests(dice: random.Random, name: str, contexts: int) -> list[Asked]:
    """Every action on its resource, in some contexts of its own each time."""
    return [
        Asked(action, resource, context(dice, name))
        for action, resource in ASKED
        for _ in range(contexts)
    ]
