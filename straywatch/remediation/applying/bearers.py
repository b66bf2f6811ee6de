"""The users and groups of a journal as the account has them now, found by id, not name."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.account import User
from straywatch.remediation.applying.entries import Entry
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.steps import ATTACH, CREATE, DELETE, DETACH, PUT, Step
from straywatch.remediation.policies.documents import canonical, digest
from straywatch.remediation.reading.snapshot import Group, Snapshot


class Bearers:
    """Looks up who bears an id in one snapshot, and says what stands in the way of an undo."""

    def __init__(self, journal: Journal, now: Snapshot) -> None:
        self.now = now
        self._journal = journal
        self._users = {user.user_id: user for user in now.users}
        self._groups = {group.group_id: group for group in now.groups}
        self._created = journal.created()

    def user(self, user_id: str) -> User | None:
        """The user of that id, whatever the name; None if there is none any more."""
        return self._users.get(user_id)

    def group(self, step: Step) -> Group | None:
        """The group that a step was about, whatever its name; None if there is none any more.

        Journals of earlier versions hold no ids of groups that existed: those go by name.
        """
        known = self._known_id(step)
        if known:
            return self._groups.get(known)
        named = self.now.group(step.group)
        created = self._created.get(step.group.lower())
        return named if named and (created is None or created.may_have_made(named)) else None

    def _known_id(self, step: Step) -> str:
        created = self._created.get(step.group.lower())
        return (created.group_id if created else "") or step.group_id

    def is_lost(self, entry: Entry) -> bool:
        """Tell whether the group was there and cannot be found, as its id is unknown."""
        step = entry.step
        return entry.done and not self._known_id(step) and self.group(step) is None

    def today(self, step: Step) -> Step:
        """The step with the names that its user and group bear now."""
        user, group = self.user(step.user_id), self.group(step) if step.group else None
        return replace(
            step, user=user.name if user else step.user, group=group.name if group else step.group
        )

    def has_joined(self, entry: Entry) -> bool:
        """Tell whether the user of a membership is in its group."""
        user, group = self.user(entry.step.user_id), self.group(entry.step)
        return bool(user and group and is_member(user, group))

    def obstacle(self, step: Step) -> str:
        """Why a user's direct policy cannot come back; empty if nothing speaks against it."""
        user = self.user(step.user_id)
        if user is None:
            again = self.now.user(step.user)
            return "was deleted and made again" if again else "was deleted"
        if step.kind == DETACH and ":iam::aws:" not in step.policy:
            gone = step.policy not in self.now.policies
            return f"managed policy {step.policy} is gone" if gone else ""
        current = user.inline_policies.get(step.policy) if step.kind == DELETE else None
        if current is not None and canonical(current) != canonical(step.document):
            return f"has another policy of the name {step.policy} by now"
        return ""

    def lacking(self, user: User, joins: list[Entry]) -> str:
        """Which direct policy that the groups replaced the user does not hold; empty if none."""
        for name, mark in sorted({k: v for e in joins for k, v in e.step.replaces.items()}.items()):
            if not (mark or name in user.attached_policies):
                return f"does not hold managed policy {name} directly any more"
            if mark and name not in user.inline_policies:
                return f"does not hold inline policy {name} any more"
            if mark and digest(user.inline_policies[name]) != mark:
                return f"has another policy of the name {name} by now"
        return ""

    def foreign(self, group: Group, left: set[tuple[str, str]]) -> str:
        """Why a group and its policies must stay; empty if it serves nobody but this journal.

        `left` are the memberships, as user id and group id, that were taken back just now: a look
        may show them yet.
        """
        steps = [e.step for e in self._journal.entries if not e.refused and self._is(e, group)]
        ours = {e.step.user_id for e in self._journal.open_entries() if self._is(e, group)}
        for user in self.now.users:
            if is_member(user, group) and (user.user_id, group.group_id) not in left:
                verb = "keeps it" if user.user_id in ours else "joined it since"
                return f"{user.name} {verb}"
        if not any(step.kind == CREATE for step in steps):
            return ""
        attached = {step.policy for step in steps if step.kind == ATTACH}
        written = {step.policy: canonical(step.document) for step in steps if step.kind == PUT}
        others = set(group.attached_policies) - attached
        others |= {
            name
            for name, document in group.inline_policies.items()
            if written.get(name) != canonical(document)
        }
        return f"somebody changed its policy {min(others)}" if others else ""

    def _is(self, entry: Entry, group: Group) -> bool:
        found = self.group(entry.step) if entry.step.group else None
        return found is not None and found.group_id == group.group_id


def is_member(user: User, group: Group) -> bool:
    """Tell whether the snapshot shows a user in a group."""
    return group.name.lower() in map(str.lower, user.groups or ())


def holds(user: User, step: Step) -> bool:
    """Tell whether a user has the direct policy of a step, as it was."""
    if step.kind == DETACH:
        return step.policy in user.attached_policies
    current = user.inline_policies.get(step.policy)
    return current is not None and canonical(current) == canonical(step.document)
