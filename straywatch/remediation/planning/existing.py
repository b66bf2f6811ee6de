"""Groups that exist, and which of them a user may join without gaining more than allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.account import User
from chalicelib.domain.policies import DocumentError
from straywatch.remediation.planning.assignment import Member
from straywatch.remediation.planning.universe import Universe
from straywatch.remediation.reading.effective import groups_of
from straywatch.remediation.reading.snapshot import Group, Snapshot


class ExistingGroups:
    """The account's groups in bits; offered are those all of whose policies are understood."""

    def __init__(self, snapshot: Snapshot, universe: Universe) -> None:
        self._snapshot = snapshot
        self._universe = universe
        self.held: dict[str, int] = {}
        self.gives: dict[str, int] = {}
        self.offered: list[str] = []
        for group in snapshot.groups:
            documents = group.inline_policies.values()
            self.held[group.name] = universe.held(group.attached_policies, documents)
            self.gives[group.name] = universe.closure(self.held[group.name])
            if all(understood(universe, document) for document in documents):
                self.offered.append(group.name)

    def given(self, user: User) -> int:
        """What a user's own groups hold."""
        held = 0
        for group in groups_of(user, self._snapshot):
            held |= self.held[group.name]
        return held

    def join(self, member: Member, limit: int) -> Member:
        """Let a member join as few groups as give all that groups without any gain can give.

        What is left then goes to the group that gives all of it and the fewest actions more, if
        these are within `limit` and none of them is one that nobody may gain.
        """
        joined: list[str] = []
        needs, room = member.needs, member.room
        fitting = [n for n in self.offered if not self.held[n] & ~member.allowed]
        while needs and room:
            best = max(fitting, key=lambda n: (self.gives[n] & needs).bit_count(), default=None)
            if best is None or not self.gives[best] & needs:
                break
            joined.append(best)
            needs &= ~self.gives[best]
            room -= 1
        member = replace(member, needs=needs, room=room, joined=tuple(joined))
        return self._least_more(member, limit) if needs and room and limit else member

    def _least_more(self, member: Member, limit: int) -> Member:
        offers = []
        for name in self.offered:
            if member.needs & ~self.gives[name]:
                continue
            more = self._universe.gained(self.held[name], member.allowed)
            gain = self._universe.weight(more)
            if gain.within(limit):
                offers.append((gain.actions, name.lower(), name, more))
        if not offers:
            return member
        _, _, name, more = min(offers)
        joined = (*member.joined, name)
        return replace(member, needs=0, room=member.room - 1, joined=joined, extra=more)

    def closest(self, content: int) -> tuple[str, int] | None:
        """The group that gives all of `content` and the least more, and what more; None if none."""
        offers = [
            ((self.held[name] & ~content).bit_count(), name.lower(), name)
            for name in self.offered
            if not content & ~self.gives[name]
        ]
        if not offers:
            return None
        name = min(offers)[2]
        return name, self.held[name] & ~content

    def without_permissions(self) -> str | None:
        """The first group that holds no policy at all, or None."""
        return next((name for name in self.offered if not self.held[name]), None)


def understood(universe: Universe, document: Mapping[str, Any]) -> bool:
    """Tell whether a document can be taken apart."""
    try:
        universe.document(document)
    except DocumentError:
        return False
    return True


def universe_of(snapshot: Snapshot, users: tuple[Any, ...]) -> Universe:
    """Number the permissions of these users, of their groups, and of all groups that exist."""
    holders: list[Any | Group] = [*users, *snapshot.groups]
    return Universe(
        (arn for holder in holders for arn in holder.attached_policies),
        (document for holder in holders for document in holder.inline_policies.values()),
        snapshot.policies,
    )
