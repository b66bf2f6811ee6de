"""How the account stands at one moment: every user in one count, on page and watch alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chalicelib.domain.account import User
from chalicelib.domain.facts import Kind, Mark, last_bound
from chalicelib.domain.findings import Finding, Reason, Status
from chalicelib.domain.past import last_at
from straywatch.observing.figures import share
from straywatch.observing.graces import SETTLING, Grace, by_name, past_in, running_graces
from straywatch.observing.records import Census, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Counts of users.

    `overdue` outlasted their grace, `in_grace` have one that runs, and of those `waiting` the
    monitor has not heard: their event is on its way, or the next sweep finds them.
    `counted_at` is when all users were last counted; without it only overdue and in_grace are
    known. `note` says why they could not be counted afresh.
    """

    overdue: int
    in_grace: int
    waiting: int = 0
    compliant: int = 0
    exempt: int = 0
    counted_at: datetime | None = None
    note: str = ""

    @property
    def users(self) -> int:
        """All of them."""
        return self.compliant + self.exempt + self.strays

    @property
    def strays(self) -> int:
        """Those in no group who must be in one."""
        return self.overdue + self.in_grace + self.waiting

    @property
    def percent(self) -> float | None:
        """Users in a group, of all who must be in one; None where nobody must, or none is known."""
        return share(self.compliant, self.compliant + self.strays) if self.counted_at else None

    @property
    def sentence(self) -> str:
        """`3 overdue, 3 in grace`; each user in no group is in one of the parts."""
        parts = [
            f"{number:,} {name}"
            for number, name in (
                (self.overdue, "overdue"),
                (self.in_grace, "in grace"),
                (self.waiting, "not noticed yet"),
            )
            if number
        ]
        if parts:
            return ", ".join(parts)
        if not self.counted_at:
            return "Users not counted yet"
        return "Every user is in a group or exempt" if self.users else "No users yet"


def standing(reading: Reading, grace: timedelta) -> Standing:
    """How it stands at the time of reading: the last count, and what has become of it since."""
    graces = running_graces(reading, grace)
    overdue = {f.user_id for f in reading.findings if f.status is Status.OPEN}
    census = reading.census
    if isinstance(census, Census):
        return _since(census, reading, graces, overdue)
    told = Standing(overdue=len(overdue), in_grace=len(graces), note=census.reason)
    if not reading.sweeps:
        return told
    last = reading.sweeps[-1]
    compliant = max(0, last.users - last.exempt - told.strays)
    return replace(told, compliant=compliant, exempt=last.exempt, counted_at=last.finished_at)


def _since(
    census: Census, reading: Reading, graces: tuple[Grace, ...], overdue: set[str]
) -> Standing:
    """The census, with those moved whom findings and events tell of since it was taken."""
    over = {user_id: why for user_id, why in _over(census, reading) if user_id not in overdue}
    now = Counter(over.values())
    compliant = len(census.compliant - overdue) + now[Reason.JOINED_GROUP]
    exempt = sum(e.user.user_id not in overdue for e in census.exempt) + now[Reason.EXEMPTED]
    strays = {u.name.lower() for u in census.strays if u.user_id not in {*overdue, *over}}
    names = {each.user_name.lower() for each in graces}
    left = sum(
        g.since > census.read_at and g.cause is not None and g.cause.took_out
        for g in graces
        if g.user_name.lower() not in strays
    )
    return Standing(
        overdue=len(overdue),
        in_grace=len(names),
        waiting=len(strays - names),
        compliant=max(0, compliant - left),
        exempt=exempt,
        counted_at=census.read_at,
    )


def _over(census: Census, reading: Reading) -> Iterator[tuple[str, Reason]]:
    """By their ids, the strays of the census who are none any more, and why."""
    ended = {f.user_id: f for f in reading.findings}  # the newest of each: oldest come first
    marks = by_name(reading.marks)
    for user in census.strays:
        reason = _ended(ended.get(user.user_id), census.read_at) or _moved(
            user, marks.get(user.name.lower()), marks, census.read_at
        )
        if reason:
            yield user.user_id, reason


def _ended(finding: Finding | None, since: datetime) -> Reason | None:
    if finding is None or finding.resolved_at is None or finding.resolved_at <= since:
        return None
    return finding.resolution.reason if finding.resolution else None


def _moved(
    user: User, mark: Mark | None, marks: Mapping[str, Mark], since: datetime
) -> Reason | None:
    """What events tell of a user whose grace was not over. Whoever was renamed is counted anew."""
    if mark is None:
        return None
    bound = last_bound(mark)
    if bound and bound.kind in (Kind.DELETED, Kind.RENAMED) and bound.at >= since:
        return Reason.DELETED
    past = past_in(marks, mark, user)
    settled = last_at(past, Kind.JOINED, Kind.SETTLED)
    left = last_at(past, Kind.LEFT, Kind.CREATED)
    if settled is None or settled < since - SETTLING or (left and left > settled):
        return None
    return Reason.JOINED_GROUP


def headline(stands: Standing) -> str:
    """`3 users overdue, 3 in grace`: the sentence as the first line of a page."""
    if not stands.strays:
        return stands.sentence
    number, _, others = stands.sentence.partition(" ")
    return f"{number} {'user' if number == '1' else 'users'} {others}"
