"""A moto account with one user of each kind, and an IAM client that can be killed at any call."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3

from chalicelib.domain.account import Account
from straywatch.remediation.reading.snapshot import Snapshot, read_snapshot

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ACCOUNT = Account("aws", "123456789012")
MUTATING = ("create_", "attach_", "put_", "add_", "detach_", "delete_", "remove_")


class KilledError(BaseException):
    """The process dies here: nothing may catch it."""


class Mortal:
    """An IAM client whose nth changing call fails, before or after it took effect."""

    def __init__(
        self, iam: IAMClient, die_at: int, *, after: bool, fault: BaseException | None = None
    ) -> None:
        self._iam = iam
        self._die_at = die_at
        self._after = after
        self._fault = fault or KilledError()
        self.calls = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._iam, name)
        return self._counted(method) if name.startswith(MUTATING) else method

    def _counted(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.calls += 1
            dying = self.calls == self._die_at
            if dying and not self._after:
                raise self._fault
            answer = method(**arguments)
            if dying:
                raise self._fault
            return answer

        return call


def mortal(
    iam: IAMClient, die_at: int, *, after: bool, fault: BaseException | None = None
) -> tuple[IAMClient, Mortal]:
    """The client as its type, and the counter within. Without a fault the process is killed."""
    counter = Mortal(iam, die_at, after=after, fault=fault)
    return cast("IAMClient", counter), counter


@cache
def client() -> IAMClient:
    """The client of the account that moto keeps: one, as making it takes longer than its calls."""
    return boto3.client(
        "iam", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
    )


def document(*statements: dict[str, Any]) -> str:
    """A policy document as IAM takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def populate_few(iam: IAMClient) -> None:
    """Make the fewest users that need every kind of step: for tests that repeat it many times."""
    arn = iam.create_policy(PolicyName="Read", PolicyDocument=document(allow("s3:Get*")))
    for name in ("ann", "bob"):
        iam.create_user(UserName=name, Path="/people/")
        iam.attach_user_policy(UserName=name, PolicyArn=arn["Policy"]["Arn"])
        iam.put_user_policy(
            UserName=name, PolicyName="own", PolicyDocument=document(allow("sqs:*"))
        )
    iam.create_user(UserName="empty")
    iam.create_group(GroupName="None")


def populate(iam: IAMClient, path: str = "/people/") -> None:
    """Make one user of each kind: sharing, overlapping, alone, denied, limited, oddly named."""
    read = iam.create_policy(PolicyName="Read", PolicyDocument=document(allow("s3:Get*")))
    arn = read["Policy"]["Arn"]
    users = ("ann", "bob", "a=b,c.d@e+f-_", "-dash", "carl", "dora", "empty", "BedrockAPIKey-x1")
    for name in users:
        iam.create_user(UserName=name, Path=path, Tags=[{"Key": "team", "Value": "x"}])
    write = allow(["sqs:SendMessage", "sqs:GetQueueUrl"], "arn:aws:sqs:*:*:in")
    turned = allow(["sqs:GetQueueUrl", "sqs:SendMessage"], "arn:aws:sqs:*:*:in")
    for name in ("ann", "bob", "-dash"):
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    for name, statement in (("bob", write), ("a=b,c.d@e+f-_", turned), ("carl", write)):
        iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document(statement))
    deny = {"Effect": "Deny", "NotAction": "kms:*", "Resource": "*"}
    iam.put_user_policy(
        UserName="carl", PolicyName="no", PolicyDocument=document(deny, allow("kms:*"))
    )
    iam.put_user_policy(
        UserName="dora",
        PolicyName="logs",
        PolicyDocument=document(allow("logs:*", "arn:aws:logs:*:*:${aws:username}")),
    )
    iam.create_group(GroupName="Loggers")
    iam.put_group_policy(
        GroupName="Loggers",
        PolicyName="logs",
        PolicyDocument=document(allow("logs:*", "arn:aws:logs:*:*:${aws:username}")),
    )
    iam.create_user(UserName="member")
    iam.add_user_to_group(GroupName="Loggers", UserName="member")


def look(iam: IAMClient) -> Snapshot:
    """The account as it is now."""
    return read_snapshot(iam, ACCOUNT)


def state(iam: IAMClient) -> object:
    """All that must be the same again after an undo: IAM's lists have no order, all else counts."""
    details = iam.get_account_authorization_details()
    kept = {key: details[key] for key in ("UserDetailList", "GroupDetailList", "Policies")}
    return _ordered(json.loads(json.dumps(kept, default=str)))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(member) for key, member in sorted(value.items())}
    if isinstance(value, list):
        return sorted((_ordered(member) for member in value), key=json.dumps)
    return value
