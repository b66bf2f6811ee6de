"""Accounts in a few words: users, groups and policies for planner tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.account import Account, User
from straywatch.remediation.reading.quotas import DEFAULTS, Quotas
from straywatch.remediation.reading.snapshot import Group, ManagedPolicy, Snapshot

CREATED = datetime(2026, 1, 2, tzinfo=UTC)
ACCOUNT = Account("aws", "123456789012")
Documents = Mapping[str, Mapping[str, Any]]


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    """A document of the current version."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, on: str = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": on, **more}


def deny(*actions: str, on: str = "*") -> dict[str, Any]:
    """A Deny statement."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": on}


def arn(name: str) -> str:
    """A customer managed policy's ARN."""
    return f"arn:aws:iam::123456789012:policy/{name}"


def user(
    name: str, *statements: Mapping[str, Any], attached: tuple[str, ...] = (), **more: Any
) -> User:
    """A user with one inline policy of these statements, if any."""
    inline: Documents = {"own": document(*statements)} if statements else {}
    return User(
        user_id=f"AIDA{name.upper()}",
        name=name,
        arn=f"arn:aws:iam::123456789012:user/{name}",
        path="/",
        created_at=CREATED,
        groups=more.pop("groups", ()),
        inline_policies=more.pop("inline", inline),
        attached_policies=tuple(map(arn, attached)),
        **more,
    )


def group(name: str, *statements: Mapping[str, Any], attached: tuple[str, ...] = ()) -> Group:
    """A group with one inline policy of these statements, if any."""
    inline: Documents = {"own": document(*statements)} if statements else {}
    return Group(
        f"AGPA{name.upper()}",
        name,
        f"arn:aws:iam::123456789012:group/{name}",
        "/",
        CREATED,
        inline,
        tuple(map(arn, attached)),
    )


def account(
    *members: User | Group, policies: Documents | None = None, quotas: Quotas = DEFAULTS
) -> Snapshot:
    """A snapshot of these users and groups."""
    managed = {
        arn(name): ManagedPolicy(arn(name), "v1", content)
        for name, content in (policies or {}).items()
    }
    return Snapshot(
        ACCOUNT,
        tuple(member for member in members if isinstance(member, User)),
        tuple(member for member in members if isinstance(member, Group)),
        managed,
        quotas,
    )
