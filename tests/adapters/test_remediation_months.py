"""Months of other people's work between apply and undo, at random: nobody is left with less."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from moto import mock_aws

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.applying.application import apply_plan
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.undo import undo_journal
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan
from straywatch.remediation.policies.documents import canonical
from straywatch.remediation.reading.effective import groups_of
from straywatch.remediation.reading.snapshot import Group
from tests.adapters.remediation_account import (
    ACCOUNT,
    KilledError,
    allow,
    client,
    document,
    look,
    mortal,
)

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

ARN = "arn:aws:iam::123456789012:policy/"
ACTIONS = ("s3:Get*", "sqs:*", "kms:Sign", "ec2:Run*")


def populate(iam: IAMClient, dice: random.Random) -> None:
    """A few users who share a few policies, and a group or two."""
    for number, action in enumerate(ACTIONS):
        iam.create_policy(PolicyName=f"P{number}", PolicyDocument=document(allow(action)))
    for number in range(dice.randint(2, 6)):
        name = f"u{number}"
        iam.create_user(UserName=name)
        for policy in dice.sample(range(4), dice.randint(0, 2)):
            iam.attach_user_policy(UserName=name, PolicyArn=f"{ARN}P{policy}")
        for action in dice.sample(ACTIONS, dice.randint(0, 2)):
            iam.put_user_policy(
                UserName=name,
                PolicyName=f"own-{dice.randint(0, 2)}",
                PolicyDocument=document(allow(action, "arn:aws:x:::y")),
            )
    if dice.random() < 0.5:
        iam.create_group(GroupName="Some")
        iam.attach_group_policy(GroupName="Some", PolicyArn=f"{ARN}P0")


def answer(code: str, status: int, retries: int = 0) -> ClientError:
    """An error of AWS."""
    metadata: Any = {"HTTPStatusCode": status, "RetryAttempts": retries}
    wrong: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": metadata}
    return ClientError(wrong, "Call")


MAY_HAVE_HAPPENED = (
    KilledError(),
    ReadTimeoutError(endpoint_url="https://iam.amazonaws.com"),
    ConnectionClosedError(endpoint_url="https://iam.amazonaws.com"),
    ResponseParserError("not XML"),
    answer("ServiceFailure", 500, retries=7),
    answer("ServiceUnavailable", 503),
)
REFUSALS = (
    answer("AccessDenied", 403),
    answer("LimitExceeded", 409),
    answer("ValidationError", 400),
    answer("Throttling", 400),
    answer("ExpiredToken", 403),
    answer("ConcurrentModification", 409),
)


def failing(dice: random.Random) -> IAMClient:
    """A client one of whose calls fails in one of many ways; a refused one had no effect."""
    fault = dice.choice((*MAY_HAVE_HAPPENED, *REFUSALS))
    after = fault in MAY_HAVE_HAPPENED and dice.random() < 0.5
    return mortal(client(), dice.randint(1, 30), after=after, fault=fault)[0]


def held() -> dict[str, set[str]]:
    """What each user id holds, directly or by groups."""
    snapshot = look(client())
    found = {}
    for user in snapshot.users:
        holders: list[User | Group] = [user, *groups_of(user, snapshot)]
        found[user.user_id] = {arn for holder in holders for arn in holder.attached_policies} | {
            canonical(text) for holder in holders for text in holder.inline_policies.values()
        }
    return found


def meddle(dice: random.Random, number: int) -> None:
    """One thing that an administrator may do; what IAM refuses is not done."""
    iam, now = client(), look(client())
    user, group = dice.choice(now.users).name, dice.choice(now.groups).name
    policy, own = f"{ARN}P{dice.randint(0, 3)}", f"own-{dice.randint(0, 2)}"
    text = document(allow(dice.choice(ACTIONS)))
    deeds: list[Callable[[], object]] = [
        lambda: iam.update_user(UserName=user, NewUserName=f"renamed-{number}"),
        lambda: iam.update_group(GroupName=group, NewGroupName=f"Renamed-{number}"),
        lambda: iam.create_user(UserName=dice.choice([f"u{dice.randint(0, 6)}", f"new-{number}"])),
        lambda: iam.add_user_to_group(GroupName=group, UserName=user),
        lambda: iam.remove_user_from_group(GroupName=group, UserName=user),
        lambda: iam.put_user_policy(UserName=user, PolicyName=own, PolicyDocument=text),
        lambda: iam.delete_user_policy(UserName=user, PolicyName=own),
        lambda: iam.attach_user_policy(UserName=user, PolicyArn=policy),
        lambda: iam.detach_user_policy(UserName=user, PolicyArn=policy),
        lambda: iam.attach_group_policy(GroupName=group, PolicyArn=policy),
        lambda: iam.put_group_policy(GroupName=group, PolicyName=own, PolicyDocument=text),
        lambda: iam.create_group(GroupName=f"access-none-{number}"),
    ]
    try:
        dice.choice(deeds)()
    except ClientError:
        return


@pytest.mark.parametrize("seed", range(25))
@mock_aws
def test_nobody_is_left_with_less_than_they_had_all_along(tmp_path: Path, seed: int) -> None:
    """What a user held before the plan and holds when undo begins they hold when it ends.

    Whoever the plan was not about holds exactly what they held. So it is however
    apply and undo fail on the way, and a second undo changes nothing more.
    """
    dice = random.Random(seed)  # noqa: S311 - a repeatable account, not a secret
    populate(client(), dice)
    before = held()
    plan = make_plan(look(client()), Options(min_members=dice.choice([1, None])))
    path = tmp_path / "j"

    def apply(iam: IAMClient) -> None:
        with Journal.begin(path, ACCOUNT, "p") as journal:
            detach = seed % 4 > 0
            apply_plan(
                plan, journal, iam, lambda: look(client()), detach_direct=detach,
                sleep=lambda _: None,
            )  # fmt: skip

    def undo(iam: IAMClient) -> list[str]:
        with Journal.resume(path) as journal:
            return undo_journal(journal, iam, lambda: look(client()), lambda _: None, settle=0).left

    try:
        apply(failing(dice))
    except (KilledError, StraywatchError):
        if dice.random() < 0.5:
            apply(client())
    if not look(client()).groups:
        client().create_group(GroupName="Late")
    for number in range(dice.randint(0, 8)):
        meddle(dice, number)
    then = held()
    with suppress(KilledError, StraywatchError):
        undo(failing(dice))
    left = undo(client())
    after = held()
    planned = {user.user_id for user in plan.users}
    for user_id, policies in after.items():
        if user_id in planned:
            assert policies >= before[user_id] & then[user_id], (seed, user_id, left)
        else:
            assert policies == then[user_id], (seed, user_id, left)
    undo(client())
    assert held() == after
