"""Plan the fewest groups that give users what they hold directly, and nobody more than allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from chalicelib.adapters.credential_report import CredentialReport
from chalicelib.domain.account import User
from straywatch.errors import StraywatchError
from straywatch.remediation.planning import assignment
from straywatch.remediation.planning.assembling import Assembler, Decisions
from straywatch.remediation.planning.assignment import Choice, Member
from straywatch.remediation.planning.existing import ExistingGroups, universe_of
from straywatch.remediation.planning.explain import exempt_words, people, some
from straywatch.remediation.planning.intent import UserEffect, check
from straywatch.remediation.planning.mining import Cover, Row, mine, shared_only
from straywatch.remediation.planning.plan import Options, Plan, fewest_members
from straywatch.remediation.planning.proof import is_proof
from straywatch.remediation.planning.scope import sort_out
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line


def make_plan(
    snapshot: Snapshot,
    options: Options,
    credentials: CredentialReport | None = None,
    check: Callable[[Plan], Iterable[UserEffect]] = check,
) -> Plan:
    """Plan groups for the users in scope. The same snapshot and options give the same plan.

    Whom the policy algebra cannot prove to lose nothing and to gain no more than allowed keeps what
    they hold directly (`check` is that proof). Raises StraywatchError if the account has no room
    for another group and nobody fits one that exists.
    """
    scope = sort_out(snapshot, options, credentials)
    unproved: dict[str, str] = {}
    while True:
        plan = _Planner(snapshot, options, scope.users, credentials, unproved).plan()
        further = {o.user: o.unintended[0] for o in check(plan) if o.unintended}
        for name in sorted(further.keys() & unproved.keys()):
            raise StraywatchError(f"the plan for {name} does not hold: {further[name]}")
        if not further:
            break
        unproved |= further
    notes = (*plan.notes, exempt_words(scope.exempt)) if scope.exempt else plan.notes
    return replace(plan, proposals=scope.proposals, notes=notes)


class _Planner:
    """Decides who joins which groups."""

    def __init__(
        self,
        snapshot: Snapshot,
        options: Options,
        users: tuple[User, ...],
        credentials: CredentialReport | None,
        unproved: Mapping[str, str],
    ) -> None:
        self.snapshot = snapshot
        self.options = options
        self.credentials = credentials
        self.unproved = unproved
        self.universe = universe_of(snapshot, users)
        self.existing = ExistingGroups(snapshot, self.universe)
        self.members = [self._member(user) for user in users]
        self.notes: list[str] = []
        self._known_fits: dict[int, bool] = {}
        self._no_room: set[int] = set()

    def _member(self, user: User) -> Member:
        universe = self.universe
        direct = universe.held(user.attached_policies, user.inline_policies.values())
        given = self.existing.given(user)
        return Member(
            user,
            0 if user.name in self.unproved else universe.least(direct) & ~universe.closure(given),
            universe.closure(direct | given),
            self.snapshot.quotas.groups_per_user - len(user.groups or ()),
        )

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
        decided = Decisions(
            tuple(self.members),
            tuple(choices),
            bound=cover.bound if proved and not self.options.max_gain else 0,
            no_room=frozenset(self._no_room),
            unproved=self.unproved,
            notes=tuple(self.notes),
        )
        return Assembler(
            self.snapshot, self.options, self.universe, self.existing, self.credentials
        ).assemble(decided)

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
        self.notes.append(f"in no group stay {people(len(left))}, as {full} ({remedy}): {names}")
