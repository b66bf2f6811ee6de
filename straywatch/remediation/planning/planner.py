"""Plan the fewest groups that give users what they hold directly, and nobody more than allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.adapters.credential_report import CredentialReport
from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.planning import assignment
from straywatch.remediation.planning.assignment import Choice, Member
from straywatch.remediation.planning.existing import ExistingGroups, understood, universe_of
from straywatch.remediation.planning.explain import (
    Moves,
    exempt_words,
    group_words,
    has_password_words,
    some,
    user_words,
)
from straywatch.remediation.planning.intent import check
from straywatch.remediation.planning.mining import Cover, Row, mine, shared_only
from straywatch.remediation.planning.naming import name_groups
from straywatch.remediation.planning.plan import (
    Options,
    Plan,
    PlannedGroup,
    PlannedUser,
    fewest_members,
)
from straywatch.remediation.planning.proof import is_proof
from straywatch.remediation.planning.scope import sort_out
from straywatch.remediation.planning.universe import Written
from straywatch.remediation.reading.effective import groups_of
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line


def make_plan(
    snapshot: Snapshot, options: Options, credentials: CredentialReport | None = None
) -> Plan:
    """Plan groups for the users in scope. The same snapshot and options give the same plan.

    Raises StraywatchError if the account has no room for another group and nobody fits one that
    exists, or if the plan fails its own check: that by the policy algebra nobody loses anything or
    gains more than allowed.
    """
    scope = sort_out(snapshot, options, credentials)
    plan = _Planner(snapshot, options, scope.users, credentials).plan()
    notes = (*plan.notes, exempt_words(scope.exempt)) if scope.exempt else plan.notes
    plan = replace(plan, proposals=scope.proposals, notes=notes)
    for outcome in check(plan):
        if outcome.unintended:
            raise StraywatchError(
                f"the plan for {outcome.user} does not hold: {outcome.unintended[0]}; leave the "
                f"user out with --exclude {outcome.user}"
            )
    return plan


class _Planner:
    """Carries one plan from the snapshot to the finished proposal."""

    def __init__(
        self,
        snapshot: Snapshot,
        options: Options,
        users: tuple[User, ...],
        credentials: CredentialReport | None,
    ) -> None:
        self.snapshot = snapshot
        self.options = options
        self.credentials = credentials
        self.universe = universe_of(snapshot, users)
        self.existing = ExistingGroups(snapshot, self.universe)
        self.members = [self._member(user) for user in users]
        self.notes: list[str] = []
        self._known_fits: dict[int, bool] = {}
        self._no_room: set[int] = set()

    def _member(self, user: User) -> Member:
        universe = self.universe
        direct = universe.held(user.attached_policies, user.inline_policies.values())
        given = self._given(user)
        return Member(
            user,
            universe.least(direct) & ~universe.closure(given),
            universe.closure(direct | given),
            self.snapshot.quotas.groups_per_user - len(user.groups or ()),
        )

    def _given(self, user: User) -> int:
        held = 0
        for group in groups_of(user, self.snapshot):
            held |= self.existing.held[group.name]
        return held

    def plan(self) -> Plan:
        """Join what exists, mine the rest, see that every stray ends in a group, explain."""
        self.members = [self.existing.join(m, self.options.max_gain) for m in self.members]
        cover = self._mine()
        choices = assignment.choose(self.members, cover.groups)
        if self.options.max_gain:
            choices = assignment.merge(
                self.members, choices, self.options.max_gain, self.universe, self._fits
            )
        within = self._within_account(choices)
        proved = within == choices and is_proof(self.members, choices, self.universe)
        choices = self._nobody_left_out(assignment.trim(self.members, within))
        return self._assemble(choices, cover.bound if proved and not self.options.max_gain else 0)

    def _mine(self) -> Cover:
        """Mine groups for what is left; note which needs are too private to be worth a group."""
        rows: dict[tuple[int, int, bool], int] = {}
        for member in self.members:
            if member.needs and member.room:
                key = self._row_key(member)
                rows[key] = rows.get(key, 0) + 1
        table = tuple(Row(*key[:2], users, key[2]) for key, users in rows.items())
        least = fewest_members(self.options, len(self.members))
        kept = shared_only(table, least, self._fits)
        reduced = dict(zip(rows, kept, strict=True))
        self.members = [
            replace(m, needs=reduced[self._row_key(m)].needs) if m.needs and m.room else m
            for m in self.members
        ]
        return mine(kept, self._fits)

    def _row_key(self, member: Member) -> tuple[int, int, bool]:
        return member.needs, member.allowed, not member.joined and not member.user.groups

    def _fits(self, content: int) -> bool:
        known = self._known_fits.get(content)
        if known is None:
            written = self.universe.written(content)
            quotas = self.snapshot.quotas
            known = len(written.attach) <= quotas.policies_per_group
            known = known and written.characters <= quotas.inline_characters
            self._known_fits[content] = known
        return known

    @property
    def _room(self) -> int:
        return max(0, self.snapshot.quotas.groups - len(self.snapshot.groups))

    def _within_account(self, choices: list[Choice]) -> list[Choice]:
        """Keep as many groups as the account has room for, one of them for those left without."""
        wanted, room = len(assignment.contents(choices)), self._room
        if wanted <= room:
            return choices
        kept = assignment.most_useful(choices, room)
        if room and self.existing.without_permissions() is None and self._left_out(kept):
            room -= 1
            kept = assignment.most_useful(choices, room)
        self._no_room = set(assignment.contents(choices)) - set(assignment.contents(kept))
        self.notes.append(
            f"{wanted} new groups would be needed, but the account has room for {self._room}: the "
            f"permissions of the smallest {wanted - room} stay direct"
        )
        return kept

    def _left_out(self, choices: list[Choice]) -> list[int]:
        """The members who are in no group, and get none."""
        return [
            n
            for n, (member, chosen) in enumerate(zip(self.members, choices, strict=True))
            if not chosen and not member.joined and not member.user.groups
        ]

    def _nobody_left_out(self, choices: list[Choice]) -> list[Choice]:
        """A stray without a group joins one without permissions, if there is room for one."""
        left = self._left_out(choices)
        baseline = self.existing.without_permissions()
        if baseline is not None:
            for n in left:
                self.members[n] = replace(self.members[n], joined=(baseline,))
        elif left and len(assignment.contents(choices)) < self._room:
            for n in left:
                choices[n] = (0,)
        elif left:
            self._say_full(left)
        return choices

    def _say_full(self, left: list[int]) -> None:
        full = f"the account's quota of {self.snapshot.quotas.groups} groups is used up"
        remedy = "delete groups, or ask AWS to raise it"
        if len(left) == len(self.members):
            raise StraywatchError(f"{full}, and nobody fits a group that exists: {remedy}")
        names = some([one_line(self.members[n].user.name) for n in left])
        self.notes.append(f"in no group stay {_users(len(left))}, as {full} ({remedy}): {names}")

    def _assemble(self, choices: list[Choice], bound: int) -> Plan:
        contents = assignment.contents(choices)
        universe = self.universe
        written = {
            c: replace(universe.written(c), denies_only=universe.only_denies(c)) for c in contents
        }
        taken = [group.name for group in self.snapshot.groups]
        named = name_groups(written.values(), taken, self.options.prefix)
        names = dict(zip(contents, named, strict=True))
        users = tuple(
            self._planned_user(member, chosen, names)
            for member, chosen in zip(self.members, choices, strict=True)
        )
        users = tuple(u for u in users if u.join or u.detach or u.delete_inline)
        groups = [self._new_group(c, names[c], written[c], choices) for c in contents]
        used = sorted({name for user in users for name in user.join} - set(named))
        groups += [PlannedGroup(n, create=False, why=self._use_words(n, users)) for n in used]
        private = sum(1 for user in users if user.stays)
        if private:
            least = fewest_members(self.options, len(self.members))
            self.notes.append(
                f"{_users(private)} keep direct policies that no group gives; a new group serves "
                f"at least {_users(least)} (--min-members)"
            )
        people = has_password_words(self.members, self.credentials)
        self.notes += [people] if people else []
        if self.snapshot.quotas.estimated:
            self.notes.append("the account's quotas could not be read: IAM's defaults were used")
        return Plan(
            before=self.snapshot,
            scope=self.options.scope,
            max_gain=self.options.max_gain,
            at_least=min(bound, len(contents)),
            groups=tuple(sorted(groups, key=lambda g: (not g.create, g.name.lower()))),
            users=users,
            proposals=(),
            notes=tuple(self.notes),
        )

    def _use_words(self, name: str, users: tuple[PlannedUser, ...]) -> str:
        count = sum(name in user.join for user in users)
        return f"exists; gives {_users(count)} what they hold directly"

    def _new_group(
        self, content: int, name: str, written: Written, choices: list[Choice]
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

    def _planned_user(self, member: Member, chosen: Choice, names: dict[int, str]) -> PlannedUser:
        user = member.user
        held = self._given(user)
        for group in chosen:
            held |= group
        for name in member.joined:
            held |= self.existing.held[name]
        given = self.universe.closure(held)
        detach = tuple(a for a in user.attached_policies if given & self.universe.managed(a))
        inline = tuple(
            name
            for name, document in user.inline_policies.items()
            if understood(self.universe, document) and not self.universe.document(document) & ~given
        )
        left = {*user.attached_policies, *user.inline_policies} - {*detach, *inline}
        moves = Moves(
            join=tuple(sorted((*(names[group] for group in chosen), *member.joined))),
            stays={name: self._reason(member, chosen, name) for name in left},
            gains=tuple(self.universe.shown(self.universe.gained(held, member.allowed))),
            handed_over=self._handed_over(user, inline, held),
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

    def _reason(self, member: Member, chosen: Choice, name: str) -> str:
        """Why a direct policy stays."""
        document = member.user.inline_policies.get(name)
        if document is not None and not understood(self.universe, document):
            return "it cannot be read as a policy"
        wanted = self.universe.document(document) if document else self.universe.managed(name)
        if any(wanted & content for content in self._no_room):
            return "the account has no room for another group"
        if len(chosen) >= member.room:
            return f"a user may be in {self.snapshot.quotas.groups_per_user} groups"
        least = fewest_members(self.options, len(self.members))
        return f"fewer than {_users(least)} share it; --min-members 1 moves it"

    def _handed_over(self, user: User, inline: Sequence[str], held: int) -> dict[str, str]:
        """Inline policies that a managed policy of the groups replaces."""
        found: dict[str, str] = {}
        for name in inline:
            wanted = self.universe.document(user.inline_policies[name])
            for arn in self.universe.arns:
                bit = self.universe.managed(arn)
                if held & bit and not wanted & ~self.universe.closure(bit):
                    found[name] = arn
                    break
        return found


def _users(count: int) -> str:
    return "1 user" if count == 1 else f"{count} users"
