"""Every user of the account, told apart by the exemptions that the monitor follows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.account import User
from chalicelib.domain.exemptions import Exempt, Exemptions
from straywatch.observing.records import Census, ExemptUser


class GroupsNotToldError(Exception):
    """IAM listed a user without its groups: it must not be taken for a stray."""


def census_of(users: Iterable[User], exemptions: Exemptions, now: datetime) -> Census:
    """Sort users into compliant, exempt and stray. Raises GroupsNotToldError."""
    compliant: set[str] = set()
    exempt: list[ExemptUser] = []
    strays: list[User] = []
    count = 0
    for user in users:
        count += 1
        if user.groups is None:
            raise GroupsNotToldError(f"IAM told no groups for {user.name}")
        match = exemptions.match(user, now)
        if isinstance(match, Exempt):
            exempt.append(ExemptUser(user, match))
        elif user.groups:
            compliant.add(user.user_id)
        else:
            strays.append(user)
    return Census(
        read_at=now,
        users=count,
        compliant=frozenset(compliant),
        exempt=tuple(sorted(exempt, key=lambda e: (e.user.name.casefold(), e.user.user_id))),
        strays=tuple(sorted(strays, key=lambda u: (u.name.casefold(), u.user_id))),
    )
