"""One consistent look at an account's users, groups and managed policies: whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from chalicelib.adapters.authorization_details import (
    Detail,
    answers,
    attached_policies,
    default_version,
    inline_policies,
    user_of,
)
from chalicelib.adapters.iam_pages import IncompleteAnswerError, listed
from chalicelib.domain.account import Account, User
from straywatch.errors import StraywatchError
from straywatch.remediation.policies.documents import Grant, opaque, readable_grants
from straywatch.remediation.reading.quotas import DEFAULTS, Quotas

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


_ATTACHED = "AttachedManagedPolicies"
"""IAM tells it of everybody, even if empty; it leaves out the list of inline policies where there
are none (API reference, GetAccountAuthorizationDetails, example)."""

UNREADABLE = "Unreadable"
"""The one key of what stands in for an inline document that is not JSON. No policy has it, so that
what cannot be read is never understood, never moved and never written."""


@dataclass(frozen=True)
class Group:
    """An IAM group and the policies that its members get from it."""

    group_id: str
    name: str
    arn: str
    path: str
    created_at: datetime
    inline_policies: Mapping[str, Mapping[str, Any]]
    attached_policies: tuple[str, ...]


@dataclass(frozen=True)
class ManagedPolicy:
    """A managed policy's default version; `document` is None where IAM knows the policy no more."""

    arn: str
    version: str
    document: Mapping[str, Any] | None

    @cached_property
    def grants(self) -> frozenset[Grant]:
        """The document's grants; an opaque one stands for a document that is not readable."""
        return opaque(self.arn) if self.document is None else readable_grants(self.document)


@dataclass(frozen=True)
class Snapshot:
    """What one look found. Names are unique without regard to case, as IAM has them."""

    account: Account
    users: tuple[User, ...]
    groups: tuple[Group, ...]
    policies: Mapping[str, ManagedPolicy]
    quotas: Quotas = DEFAULTS

    def user(self, name: str) -> User | None:
        """The user of that name in any case, or None if the account has no such user."""
        return self._users().get(name.lower())

    def group(self, name: str) -> Group | None:
        """The group of that name in any case, or None if the account has no such group."""
        return self._groups().get(name.lower())

    def _users(self) -> dict[str, User]:
        return _index(self, "_by_user", self.users)

    def _groups(self) -> dict[str, Group]:
        return _index(self, "_by_group", self.groups)


def _index(snapshot: Snapshot, slot: str, members: Iterable[Any]) -> dict[str, Any]:
    """Build a look-up by lower-case name once for each snapshot, which never changes."""
    found = snapshot.__dict__.get(slot)
    if found is None:
        found = {member.name.lower(): member for member in members}
        snapshot.__dict__[slot] = found
    return cast("dict[str, Any]", found)


def read_snapshot(
    iam: IAMClient,
    account: Account,
    quotas: Quotas = DEFAULTS,
    tell: Callable[[str], None] = lambda _: None,
) -> Snapshot:
    """Read the whole account, or raise.

    Raises ClientError or BotoCoreError if any page cannot be read or breaks off, so that a snapshot
    is never partial, and StraywatchError if IAM names an object twice or a user without its groups.
    """
    users: dict[str, User] = {}
    groups: dict[str, Group] = {}
    policies: dict[str, ManagedPolicy] = {}
    for answer in answers(iam, ["User", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]):
        for user in listed(answer, "UserDetailList"):
            users[user["UserId"]] = _user(user)
        for group in listed(answer, "GroupDetailList"):
            groups[group["GroupId"]] = _group(group)
        for policy in listed(answer, "Policies"):
            policies[policy["Arn"]] = _policy(policy)
        tell(f"read {len(users)} users, {len(groups)} groups, {len(policies)} managed policies")
    for arn in sorted(_used(users.values(), groups.values()) - policies.keys()):
        tell(f"reading managed policy {arn}")
        policies[arn] = _missing_policy(iam, arn)
    return Snapshot(
        account,
        _sorted(users.values()),
        _sorted(groups.values()),
        {arn: policies[arn] for arn in sorted(policies)},
        quotas,
    )


def _sorted(members: Iterable[Any]) -> tuple[Any, ...]:
    ordered = sorted(members, key=lambda m: (m.name.lower(), m.name))
    for one, other in pairwise(ordered):
        if one.name.lower() == other.name.lower():
            raise StraywatchError(f"{one.name} changed while the account was read: try again")
    return tuple(ordered)


def _used(users: Iterable[User], groups: Iterable[Group]) -> set[str]:
    holders: list[User | Group] = [*users, *groups]
    arns = {arn for holder in holders for arn in holder.attached_policies}
    return arns | {user.boundary_arn for user in users if user.boundary_arn}


def _missing_policy(iam: IAMClient, arn: str) -> ManagedPolicy:
    """Read a policy that the snapshot refers to but does not show."""
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "NoSuchEntity":
            raise
        return ManagedPolicy(arn, "unknown", None)
    return ManagedPolicy(arn, version, _document(document.get("Document")))


def _user(detail: Detail) -> User:
    listed(detail, _ATTACHED)
    user = user_of(detail)
    if user.groups is None:
        raise StraywatchError(f"IAM did not tell the groups of {user.name}: try again")
    inline = _readable(user.inline_policies)
    return replace(user, groups=tuple(sorted(user.groups)), inline_policies=inline)


def _group(detail: Detail) -> Group:
    listed(detail, _ATTACHED)
    try:
        return Group(
            group_id=detail["GroupId"],
            name=detail["GroupName"],
            arn=detail["Arn"],
            path=detail["Path"],
            created_at=detail["CreateDate"],
            inline_policies=_readable(inline_policies(detail.get("GroupPolicyList", ()))),
            attached_policies=attached_policies(detail),
        )
    except KeyError as error:
        raise IncompleteAnswerError(lack=f"a group comes without {error}") from error


def _policy(detail: Detail) -> ManagedPolicy:
    version = default_version(detail)
    name = version.get("VersionId") or detail.get("DefaultVersionId", "unknown")
    return ManagedPolicy(detail["Arn"], name, _document(version.get("Document")))


def _readable(policies: Mapping[str, object]) -> dict[str, Mapping[str, Any]]:
    """Inline documents; what was not JSON stands for itself, so that no two of them are equal."""
    return {
        name: document if isinstance(document, Mapping) else {UNREADABLE: str(document)}
        for name, document in policies.items()
    }


def _document(decoded: object) -> Mapping[str, Any] | None:
    """boto3 decodes documents; what stays text was not JSON, and so is not readable."""
    return decoded if isinstance(decoded, Mapping) else None
