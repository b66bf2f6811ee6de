"""Write down as a plan what was decided: groups, and what becomes of each user, with reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.adapters.credential_report import CredentialReport
from straywatch.remediation.planning import assignment
from straywatch.remediation.planning.assignment import Choice, Member
from straywatch.remediation.planning.existing import ExistingGroups, understood
from straywatch.remediation.planning.explain import (
    Moves,
    group_words,
    has_password_words,
    people,
    some,
    user_words,
)
from straywatch.remediation.planning.naming import name_groups
from straywatch.remediation.planning.plan import (
    Options,
    Plan,
    PlannedGroup,
    PlannedUser,
    fewest_members,
)
from straywatch.remediation.planning.universe import Universe, Written
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line


@dataclass(frozen=True)
class Decisions:
    """Who joins which groups, and what stood in the way."""

    members: tuple[Member, ...]
    choices: tuple[Choice, ...]
    """The new groups of each member."""
    bound: int
    """No plan has fewer new groups; 0 where that is not proved."""
    no_room: frozenset[int]
    """Groups that the account has no room for."""
    unproved: Mapping[str, str]
    """Users whose move could not be proved to leave their access as it is, and why."""
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Assembler:
    """Knows the account's permissions by number, and the words for what becomes of them."""

    snapshot: Snapshot
    options: Options
    universe: Universe
    existing: ExistingGroups
    credentials: CredentialReport | None

    def assemble(self, decided: Decisions) -> Plan:
        """The plan. It has no proposals yet."""
        contents = assignment.contents(decided.choices)
        universe = self.universe
        written = {
            c: replace(universe.written(c), denies_only=universe.only_denies(c)) for c in contents
        }
        taken = [group.name for group in self.snapshot.groups]
        named = name_groups(written.values(), taken, self.options.prefix)
        names = dict(zip(contents, named, strict=True))
        every = [
            self._user(member, chosen, names, decided)
            for member, chosen in zip(decided.members, decided.choices, strict=True)
        ]
        users = tuple(u for u in every if u.join or u.detach or u.delete_inline)
        groups = [self._new_group(c, names[c], written[c], decided.choices) for c in contents]
        used = sorted({name for user in users for name in user.join} - set(named))
        groups += [PlannedGroup(n, create=False, why=_use_words(n, users)) for n in used]
        return Plan(
            before=self.snapshot,
            scope=self.options.scope,
            max_gain=self.options.max_gain,
            at_least=min(decided.bound, len(contents)),
            groups=tuple(sorted(groups, key=lambda g: (not g.create, g.name.lower()))),
            users=users,
            proposals=(),
            notes=(*decided.notes, *self._notes(decided.members, every, users)),
        )

    def _notes(
        self, members: Sequence[Member], every: Sequence[PlannedUser], users: Sequence[PlannedUser]
    ) -> list[str]:
        notes = []
        private = sum(1 for user in users if user.stays)
        if private:
            least = people(fewest_members(self.options, len(members)))
            notes.append(
                f"{people(private)} keep direct policies that no group gives; a new group serves "
                f"at least {least} (--min-members)"
            )
        planned = {user.name for user in users}
        left = [one_line(f"{u.name}: {u.why}") for u in every if u.stays and u.name not in planned]
        if left:
            notes.append(f"nothing changes for {people(len(left))}: {some(left)}")
        passwords = has_password_words(members, self.credentials)
        notes += [passwords] if passwords else []
        if self.snapshot.quotas.estimated:
            notes.append("the account's quotas could not be read: IAM's defaults were used")
        return notes

    def _new_group(
        self, content: int, name: str, written: Written, choices: Sequence[Choice]
    ) -> PlannedGroup:
        members = sum(content in chosen for chosen in choices)
        documents = written.documents
        closest = self.existing.closest(content) if content else None
        return PlannedGroup(
            name,
            create=True,
            path=self.options.path,
            attach=written.attach,
            inline={f"{name[:120]}-{n}": document for n, document in enumerate(documents, 1)},
            why=group_words(
                members,
                self.universe.shown(content),
                closest and (closest[0], self.universe.shown(closest[1])),
            ),
        )

    def _user(
        self, member: Member, chosen: Choice, names: Mapping[int, str], decided: Decisions
    ) -> PlannedUser:
        user = member.user
        held = self.existing.given(user)
        for group in chosen:
            held |= group
        for name in member.joined:
            held |= self.existing.held[name]
        detach, inline = ((), ()) if user.name in decided.unproved else self._moved(member, held)
        left = {*user.attached_policies, *user.inline_policies} - {*detach, *inline}
        moves = Moves(
            join=tuple(sorted((*(names[group] for group in chosen), *member.joined))),
            stays={name: self._reason(member, chosen, name, decided) for name in left},
            gains=tuple(self.universe.shown(self.universe.gained(held, member.allowed))),
            handed_over=self._handed_over(member, inline, held),
        )
        return PlannedUser(
            user.name,
            user.user_id,
            tuple(moves.join),
            tuple(sorted(detach)),
            tuple(sorted(inline)),
            tuple(sorted(left)),
            tuple(moves.gains),
            user_words(user, moves, self.credentials),
        )

    def _moved(self, member: Member, held: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Which managed and which inline policies groups with these permissions replace."""
        user, universe = member.user, self.universe
        given = universe.closure(held)
        detach = tuple(a for a in user.attached_policies if given & universe.managed(a))
        inline = tuple(
            name
            for name, document in user.inline_policies.items()
            if understood(universe, document) and not universe.document(document) & ~given
        )
        return detach, inline

    def _reason(self, member: Member, chosen: Choice, name: str, decided: Decisions) -> str:
        """Why a direct policy stays."""
        if unproved := decided.unproved.get(member.user.name):
            return f"it cannot be proved that a group in its place changes nothing: {unproved}"
        document = member.user.inline_policies.get(name)
        if document is not None and not understood(self.universe, document):
            return "it cannot be read as a policy"
        wanted = self.universe.document(document) if document else self.universe.managed(name)
        if any(wanted & content for content in decided.no_room):
            return "the account has no room for another group"
        if len(chosen) >= member.room:
            return f"a user may be in {self.snapshot.quotas.groups_per_user} groups"
        least = people(fewest_members(self.options, len(decided.members)))
        return f"fewer than {least} share it; --min-members 1 moves it"

    def _handed_over(self, member: Member, inline: Sequence[str], held: int) -> dict[str, str]:
        """Inline policies that a managed policy of the groups replaces."""
        found: dict[str, str] = {}
        for name in inline:
            wanted = self.universe.document(member.user.inline_policies[name])
            for arn in self.universe.arns:
                bit = self.universe.managed(arn)
                if held & bit and not wanted & ~self.universe.closure(bit):
                    found[name] = arn
                    break
        return found


def _use_words(name: str, users: Sequence[PlannedUser]) -> str:
    count = sum(name in user.join for user in users)
    return f"exists; gives {people(count)} what they hold directly"
