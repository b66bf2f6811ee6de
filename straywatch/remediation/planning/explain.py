"""Say in one line why a plan holds what it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.adapters.credential_report import CredentialReport
from chalicelib.domain.account import User
from straywatch.remediation.planning.assignment import Member
from straywatch.remediation.planning.scope import idle_words
from straywatch.remediation.reading.credentials import is_idle

LISTED = 3


def some(parts: Sequence[str], limit: int = LISTED) -> str:
    """The first few parts, and how many more there are."""
    shown = "; ".join(parts[:limit])
    return shown if len(parts) <= limit else f"{shown}; and {len(parts) - limit} more"


def people(count: int) -> str:
    """So many users."""
    return "1 user" if count == 1 else f"{count} users"


def exempt_words(exempt: Sequence[str]) -> str:
    """Who is left alone, and what exempts them."""
    count = "1 exempt user is" if len(exempt) == 1 else f"{len(exempt)} exempt users are"
    return f"{count} left alone: {some(exempt)}"


def has_password_words(members: Sequence[Member], credentials: CredentialReport | None) -> str:
    """Who of the users signs in to the console, and would be better off elsewhere; or nothing."""
    if credentials is None:
        return ""
    users = [member.user for member in members]
    named = [u.name for u in users if credentials.of(u.name, u.created_at).console_password]
    if not named:
        return ""
    return (
        f"{len(named)} of the users sign in with a password, as people do ({some(named)}): IAM "
        "Identity Center serves them better than an IAM user in a group"
    )


def group_words(
    members: int, holds: Sequence[str], closest: tuple[str, Sequence[str]] | None
) -> str:
    """Why a new group is needed: for whom, what it gives, and what the closest one would add."""
    who = people(members)
    if not holds:
        return f"gives nothing: {who} must be in a group and hold nothing that a group could give"
    words = f"{who} hold directly: {some(holds)}" if members > 1 else f"1 user holds: {some(holds)}"
    if closest is not None:
        words += f". Closest existing group {closest[0]} would also give {some(closest[1])}"
    return words


@dataclass(frozen=True)
class Moves:
    """What becomes of one user's direct policies."""

    join: Sequence[str]
    stays: Mapping[str, str]
    """Policies that stay direct, each with the reason."""
    gains: Sequence[str]
    handed_over: Mapping[str, str]
    """Inline policies, each with the managed policy that gives the same from now on."""


def user_words(user: User, moves: Moves, credentials: CredentialReport | None) -> str:
    """Why a user joins these groups, what it changes, and what is left direct and why."""
    join, stays, gains = moves.join, moves.stays, moves.gains
    direct = len(user.attached_policies) + len(user.inline_policies)
    holds = f"holds {direct} direct " + ("policy" if direct == 1 else "policies")
    words = f"{holds}, in {len(user.groups or ())} groups before"
    if join:
        words += f"; joins {len(join)}"
    words += f"; gains {some(gains)}" if gains else "; gains nothing, loses nothing"
    if stays:
        each = [f"{name} ({reason})" for name, reason in sorted(stays.items())]
        words += f"; stays direct: {some(each)}"
    for name, arn in sorted(moves.handed_over.items())[:LISTED]:
        words += f"; what {name} gives comes from {arn} now, whose editors control it for all"
    if credentials is not None and is_idle(user, credentials):
        words += f"; rather delete: {idle_words(user)}"
    return words
