"""Which policies apply to a user: their own, their groups', and the boundary around both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.policies.algebra import Policies
from straywatch.remediation.policies.documents import Grant, opaque, readable_grants
from straywatch.remediation.reading.snapshot import Group, ManagedPolicy, Snapshot

Managed = Mapping[str, ManagedPolicy]
Grants = frozenset[Grant]


def managed_grants(arn: str, policies: Managed) -> Grants:
    """The grants of a managed policy; opaque if the snapshot could not read it."""
    policy = policies.get(arn)
    return opaque(arn) if policy is None else policy.grants


def groups_of(user: User, snapshot: Snapshot) -> list[Group]:
    """The user's groups. Raises StraywatchError if the snapshot lacks one: then it is not whole."""
    return [_group(name, snapshot) for name in user.groups or ()]


def _group(name: str, snapshot: Snapshot) -> Group:
    group = snapshot.group(name)
    if group is None:
        raise StraywatchError(f"group {name} changed while the account was read: try again")
    return group


class PolicyReader:
    """Reads one snapshot's policies as grants, each policy and each group once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._managed: dict[str, Grants] = {}
        self._groups: dict[str, Grants] = {}

    def given(self, attached: Iterable[str], documents: Iterable[Mapping[str, Any]]) -> set[Grant]:
        """The grants of some attached policies and some documents."""
        found: set[Grant] = set()
        for arn in attached:
            found |= self._policy(arn)
        for document in documents:
            found |= readable_grants(document)
        return found

    def group(self, name: str) -> Grants:
        """The grants of a group. Raises StraywatchError if the snapshot has no such group."""
        if name not in self._groups:
            group = _group(name, self.snapshot)
            held = self.given(group.attached_policies, group.inline_policies.values())
            self._groups[name] = frozenset(held)
        return self._groups[name]

    def effective(
        self,
        user: User,
        *,
        joined: Iterable[Grants] = (),
        detached: Iterable[str] = (),
        deleted: Iterable[str] = (),
    ) -> Policies:
        """All that applies to a user, with the grants of groups `joined` on top.

        Without the managed policies `detached` and the inline policies `deleted` of the user.
        """
        gone = set(deleted)
        documents = [d for name, d in user.inline_policies.items() if name not in gone]
        found = self.given(set(user.attached_policies) - set(detached), documents)
        for name in user.groups or ():
            found |= self.group(name)
        for grants in joined:
            found |= grants
        boundary = user.boundary_arn
        return Policies(frozenset(found), self._policy(boundary) if boundary else None)

    def _policy(self, arn: str) -> Grants:
        if arn not in self._managed:
            self._managed[arn] = managed_grants(arn, self.snapshot.policies)
        return self._managed[arn]
