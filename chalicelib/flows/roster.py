"""The accounts that are watched: their list, read anew on a schedule, and asked by account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.bounded import Bounded
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding
from chalicelib.domain.organization import Listed, Member, Selection, roster
from chalicelib.log import log

KEPT_FOR = timedelta(minutes=5)
"""How long a function goes by what it has read of an account."""


class Roster(Protocol):
    """What is remembered of the organization's accounts."""

    def member(self, account: Account) -> Member:
        """What is known of an account."""

    def members(self) -> Iterator[Member]:
        """Every account that is or was on the list."""

    def keep(self, member: Member) -> None:
        """Note what is known of an account from now on."""


@dataclass(slots=True)
class Watched:
    """The accounts that are watched, as a set; the deployment's own is, and costs no call."""

    own: Account
    roster: Roster
    clock: Callable[[], datetime]
    _known: dict[Account, tuple[Member, datetime]] = field(default_factory=lambda: Bounded(1000))

    def __contains__(self, account: object) -> bool:
        if account == self.own:
            return True
        return isinstance(account, Account) and not self.member(account).unwatched

    def member(self, account: Account) -> Member:
        """What is known of an account, as it was read within the last minutes."""
        found = self._known.get(account)
        now = self.clock()
        if found is None or now - found[1] >= KEPT_FOR:
            found = self._known[account] = self.roster.member(account), now
        return found[0]


@dataclass(frozen=True, slots=True)
class RosterResult:
    """How many accounts are watched now, and how many came and left this time."""

    watched: int
    came: int
    left: int
    resolved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshRoster:
    """Reads the list of accounts and notes what has changed.

    `listed` is handed the accounts that are watched so far, so that none of them is taken to have
    left for being missed by the list. `leave` closes a finding whose account has left.
    """

    roster: Roster
    selection: Selection
    listed: Callable[[Iterable[Account]], Iterable[Listed]]
    live: Callable[[Account], Iterator[Finding]]
    leave: Callable[[Finding], object]

    def run(self, own: Account) -> RosterResult:
        """Bring the list up to date. If it cannot be read whole, it raises, and the old one stays.

        The findings of an account that left are closed before it is noted as left: killed in
        between, the next run does the rest.
        """
        known = {member.account: member for member in self.roster.members()}
        watched = [a for a, member in known.items() if not member.unwatched]
        now = roster(self.listed(watched), known, self.selection)
        came = left = resolved = 0
        for member in now:
            before = known.get(member.account)
            was_watched = before is not None and not before.unwatched
            if was_watched and member.unwatched and member.account != own:
                resolved += self._close(member)
                left += 1
            elif not was_watched and not member.unwatched:
                log("account_came", account=member.account.key)
                came += 1
            if member != before:
                self.roster.keep(member)
        total = sum(not member.unwatched for member in now)
        result = RosterResult(total, came, left, resolved)
        log("accounts_listed", watched=total, came=came, left=left, resolved=resolved)
        return result

    def _close(self, member: Member) -> int:
        log("account_left", account=member.account.key, reason=member.unwatched)
        closed = 0
        for finding in self.live(member.account):
            self.leave(finding)
            closed += 1
        return closed
