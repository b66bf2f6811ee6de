"""The inquiry: learns what a decision asks for, from memory and from live IAM, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, InGroups, InNoGroup, NoSuchUser, User
from chalicelib.domain.bearer import Read, past_of, taken_by_look
from chalicelib.domain.check_requests import Origin
from chalicelib.domain.decision import (
    QUESTIONS,
    UNREAD,
    Decision,
    Row,
    Rules,
    Seen,
    Unread,
    decide,
)
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.facts import Fact, Kind, Mark, News, with_news
from chalicelib.domain.findings import Finding, NoFinding, Status
from chalicelib.flows.ports import LiveIam, Memory

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

AT_ONCE = timedelta(0)
CACHED_FOR = timedelta(seconds=15)
"""How old the exemptions may be where they change no more than the word for why a finding ends."""

FindExemption = Callable[[Account, User, datetime, timedelta], Exempt | NotExempt]
"""Whether a user is exempt at a time, by a configuration that was read so long ago at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """Everything that a look at one user needs. Every method raises what AWS raises."""

    iam: LiveIam
    memory: Memory
    exemption: FindExemption
    assess: Callable[[User], Risk]
    clock: Callable[[], datetime]
    rules: Rules

    def look(
        self,
        mark: Mark,
        origin: Origin,
        findings: Mapping[str, Finding | NoFinding] | None = None,
    ) -> Seen:
        """Look at the name's bearer now. `findings` were read with the mark."""
        looked_at = self.clock()
        look = self.iam.look(mark.user_name)
        seen = Seen(
            mark=mark,
            past=(),
            look=look,
            looked_at=looked_at,
            shown_at=self.clock(),
            origin=origin,
            findings=findings or {},
        )
        return self.of(seen, look.user) if isinstance(look, InNoGroup) else self._with_past(seen)

    def of(self, seen: Seen, user: User | NoSuchUser) -> Seen:
        """The same, once it is known who bears the name."""
        last = last_of(seen.mark.account, user, seen.findings)
        return self._with_past(replace(seen, who=user, last=last))

    def conclude(self, seen: Seen) -> tuple[Seen, Decision]:
        """Learn what the decision asks for, until it asks no more."""
        while True:
            decision = decide(seen, self.clock(), self.rules)
            if decision.row not in QUESTIONS:
                return seen, decision
            seen = self._learned(decision.row, seen)

    def again(self, seen: Seen) -> Seen:
        """The same look, with all else read anew: others have changed it meanwhile."""
        mark = self.memory.mark(seen.mark.account, seen.mark.user_name)
        return self._with_past(replace(seen, mark=mark, last=UNREAD, findings={}))

    def _learned(self, row: Row, seen: Seen) -> Seen:
        user = seen.who
        if row is Row.ASK_WHO:
            return self.of(seen, self.iam.user(seen.mark.user_name))
        if row is Row.ASK_LOOK:
            fresh = self.look(seen.mark, seen.origin)
            known = user.user_id if isinstance(user, User) else ""
            if not isinstance(fresh.who, User) or fresh.who.user_id != known:
                return replace(fresh, swept_at=seen.swept_at)
            return replace(
                seen,
                who=fresh.who,
                look=fresh.look,
                looked_at=fresh.looked_at,
                shown_at=fresh.shown_at,
                exemption=UNREAD,
            )
        if not isinstance(user, User):
            raise TypeError(row)  # decide asks who it is before all else
        if row is Row.ASK_EXEMPTION:
            age = CACHED_FOR if isinstance(seen.look, InGroups) else AT_ONCE
            found = self.exemption(seen.mark.account, user, self.clock(), age)
            return replace(seen, exemption=found)
        if row is Row.ASK_FINDING:
            last = self.memory.latest(seen.mark.account, user.user_id)
            return self._with_past(replace(seen, last=last))
        return replace(seen, risk=self.assess(user))

    def _with_past(self, seen: Seen) -> Seen:
        """Read the marks for what is about this user, also under the names it had before.

        If the user got the name by a rename of which no event told, what the mark holds from
        before is about somebody else: the user's open finding shows it by its other name.
        """
        user, mark = seen.who if isinstance(seen.who, User) else None, seen.mark
        read = {mark.user_name.lower(): mark}

        def mark_of(name: str) -> Mark:
            if name.lower() not in read:
                read[name.lower()] = self.memory.mark(mark.account, name)
            return read[name.lower()]

        past = past_of(mark, mark_of, user)
        last = seen.last
        if user and isinstance(last, Finding) and last.user_name.lower() != user.name.lower():
            after = _last_seen(user, last, mark_of) - self.rules.iam_lag
            if last.status is Status.OPEN and not _tells_of_rename(past, last.user_name, after):
                took = taken_by_look(user, last.user_name, seen.looked_at, after)
                known = with_news(mark, News(facts=(took,)))
                mark = replace(known, version=mark.version)
                past = past_of(mark, mark_of, user)
        may_be_open = any(each.noted for each in read.values())
        return replace(seen, mark=mark, past=past, may_be_open=may_be_open)


def _last_seen(user: User, finding: Finding, read: Read) -> datetime:
    """When the user was last known to bear the name that its finding has."""
    noted = (n.at for n in read(finding.user_name).noted if n.user_id == user.user_id)
    return max(noted, default=finding.opened_at)


def _tells_of_rename(past: tuple[Fact, ...], old_name: str, after: datetime) -> bool:
    """Whether an event told that the user gave that name up."""
    renames = (f.at for f in past if f.kind is Kind.TOOK and f.name.lower() == old_name.lower())
    return any(at >= after.replace(microsecond=0) for at in renames)


def last_of(
    account: Account, user: User | NoSuchUser, findings: Mapping[str, Finding | NoFinding]
) -> Finding | NoFinding | Unread:
    """The user's newest finding, if those that were read tell it: they are numbered from 1."""
    if isinstance(user, NoSuchUser):
        return UNREAD
    for finding_id in (f for f in findings if f.startswith(f"{account.key}:{user.user_id}:")):
        found = findings[finding_id]
        if isinstance(found, NoFinding) and finding_id.endswith(":1"):
            return found
        if isinstance(found, Finding) and found.status is Status.OPEN:
            return found
    return UNREAD
