"""Every user of the account, told apart by the exemptions that the monitor follows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.domain.account import User
from chalicelib.domain.evaluation import Evaluation, evaluate
from chalicelib.domain.exemptions import Exemptions
from straywatch.observing.records import Census, ExemptUser


def census_of(users: Iterable[User], exemptions: Exemptions, now: datetime) -> Census:
    """Sort users into compliant, exempt and stray. Raises UnknownGroupsError."""
    compliant: set[str] = set()
    exempt: list[ExemptUser] = []
    strays: list[User] = []
    count = 0
    for user in users:
        count += 1
        evaluated = evaluate(user.name, user.groups, exemptions.match(user, now))
        if evaluated.exemption:
            exempt.append(ExemptUser(user, evaluated.exemption))
        elif evaluated.evaluation is Evaluation.COMPLIANT:
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
