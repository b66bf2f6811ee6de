"""Which users a plan is about, and which are better deleted or exempted than put into a group."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from chalicelib.adapters.credential_report import CredentialReport
from chalicelib.domain.account import User, is_named_by_service
from chalicelib.domain.exemptions import Exempt
from straywatch.remediation.planning.plan import Options, Proposal
from straywatch.remediation.reading.credentials import is_idle
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line


@dataclass(frozen=True)
class InScope:
    """The users in scope: who shall get groups, who is better off otherwise, who is left alone."""

    users: tuple[User, ...]
    proposals: tuple[Proposal, ...]
    exempt: tuple[str, ...]
    """Users who are exempt, each with what exempts them, and why."""


def sort_out(snapshot: Snapshot, options: Options, credentials: CredentialReport | None) -> InScope:
    """Part the users in scope. Exempt users are left alone, as the monitor and `audit` do."""
    proposals: list[Proposal] = []
    users: list[User] = []
    left: list[str] = []
    for user in snapshot.users:
        if not _in_scope(user, options):
            continue
        exemption = options.exemptions.match(user, options.now)
        if isinstance(exemption, Exempt):
            left.append(one_line(f"{user.name} (by {exemption.by}: {exemption.reason})"))
        elif is_named_by_service(user.name):
            why = "made by an AWS service to hold its own key, not for a person"
            proposals.append(Proposal(user.name, user.user_id, "exempt", why))
        elif (
            credentials
            and not holds_directly(user)
            and not user.groups
            and is_idle(user, credentials)
        ):
            why = f"no permissions, no group; {idle_words(user)}"
            proposals.append(Proposal(user.name, user.user_id, "delete", why))
        else:
            users.append(user)
    return InScope(tuple(users), tuple(proposals), tuple(left))


def holds_directly(user: User) -> bool:
    """Tell whether policies are attached to the user or written into them."""
    return bool(user.attached_policies or user.inline_policies)


def _is_bare(user: User) -> bool:
    return not holds_directly(user) and not user.groups


def idle_words(user: User) -> str:
    """Say that the credential report shows a user without credentials, never used."""
    return (
        f"no active credentials and never used since {user.created_at:%Y-%m-%d}, says the "
        "credential report"
    )


def _in_scope(user: User, options: Options) -> bool:
    if any(fnmatch.fnmatchcase(user.name.lower(), p.lower()) for p in options.exclude):
        return False
    return holds_directly(user) if options.scope == "direct" else not user.groups
