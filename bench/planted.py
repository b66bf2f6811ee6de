"""Accounts with known answers: hidden roles that users hold directly, alone or several at once."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.account import Account, User
from straywatch.remediation.reading.snapshot import ManagedPolicy, Snapshot

SERVICES = ("s3", "sqs", "sns", "dynamodb", "kms", "ec2", "lambda", "logs", "ecr", "athena")
VERBS = ("Get", "List", "Describe", "Put", "Create", "Delete", "Update", "Tag")
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Shape:
    """How an account is planted."""

    users: int = 5_000
    roles: int = 40
    permissions: int = 200
    smallest: int = 3
    largest: int = 9
    most_roles: int = 10
    noise: float = 0.0
    """The share of users with one permission of their own."""


def permission(number: int) -> dict[str, Any]:
    """One of the statements that roles are made of."""
    service = SERVICES[number % len(SERVICES)]
    verb = VERBS[number // len(SERVICES) % len(VERBS)]
    return {
        "Effect": "Allow",
        "Action": f"{service}:{verb}Thing{number}",
        "Resource": f"arn:aws:{service}:::t{number}*",
    }


def planted(shape: Shape, seed: int = 1) -> tuple[Snapshot, int]:
    """An account and the number of roles that its users hold. The same seed, the same account."""
    dice = random.Random(seed)  # nosec B311  # noqa: S311 - a repeatable account, not a secret
    roles = [
        dice.sample(range(shape.permissions), dice.randint(shape.smallest, shape.largest))
        for _ in range(shape.roles)
    ]
    used: set[int] = set()
    users = []
    for number in range(shape.users):
        chosen = dice.sample(range(shape.roles), dice.randint(1, shape.most_roles))
        used.update(chosen)
        held = sorted({p for role in chosen for p in roles[role]})
        dice.shuffle(held)
        statements = [permission(p) for p in held]
        if dice.random() < shape.noise:
            own = {
                "Effect": "Allow",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::o{number}/*",
            }
            statements.append(own)
        users.append(_user(number, statements))
    account = Account("aws", "123456789012")
    return Snapshot(account, tuple(users), (), dict[str, ManagedPolicy]()), len(used)


def _user(number: int, statements: list[dict[str, Any]]) -> User:
    name = f"user{number:05d}"
    return User(
        user_id=f"AIDA{number:016d}",
        name=name,
        arn=f"arn:aws:iam::123456789012:user/{name}",
        path="/",
        created_at=CREATED,
        groups=(),
        inline_policies={"direct": {"Version": "2012-10-17", "Statement": statements}},
    )
