"""Who is looked at: an AWS account and its IAM users as one read of IAM showed them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
# https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
UNIT_ID = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}", re.ASCII)
"""Of an organization's unit, or of its root."""
_MADE_BY_SERVICES = re.compile(r"BedrockAPIKey-.+|ses-smtp-user\..+")


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account; ids are unique only within their partition (`aws`, `aws-cn`, ...)."""

    partition: str
    account_id: str

    @property
    def key(self) -> str:
        """The account as part of a table key or a finding id."""
        return f"{self.partition}:{self.account_id}"


def account_of_arn(arn: str) -> Account:
    """The account that an ARN names."""
    _, partition, _, _, account_id, _ = arn.split(":", 5)
    return Account(partition, account_id)


def is_named_by_service(user_name: str) -> bool:
    """Whether Bedrock and SES name the users so that they make to hold their keys."""
    return _MADE_BY_SERVICES.fullmatch(user_name) is not None


@dataclass(frozen=True, slots=True)
class User:
    """An IAM user as GetUser or GetAccountAuthorizationDetails returned it.

    `groups` is None where the call does not tell groups (GetUser): unknown is never "none".
    `inline_policies` maps policy names to their decoded documents; one that is no JSON stays text.
    """

    user_id: str
    name: str
    arn: str
    path: str
    created_at: datetime
    groups: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    inline_policies: Mapping[str, Any] = field(default_factory=dict)
    attached_policies: tuple[str, ...] = ()
    boundary_arn: str | None = None


def tag_of(user: User, key: str) -> str:
    """The value of a tag, whose key compares as IAM's do; empty where there is none."""
    found = (value for name, value in user.tags.items() if name.casefold() == key.casefold())
    return next(found, "") if key else ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of users; `next_marker` is None on the last one, and goes on after this one."""

    users: tuple[User, ...]
    next_marker: str | None


@dataclass(frozen=True, slots=True)
class InGroups:
    """The user exists and is in these groups, of which there is at least one."""

    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InNoGroup:
    """The user exists, and a complete answer named no group."""

    user: User
    groups: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class NoSuchUser:
    """No user has this name, or this id."""


Look = InGroups | InNoGroup | NoSuchUser
"""What live IAM says of one user name. A call that failed is raised: it is none of these."""
