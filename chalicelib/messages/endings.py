"""Why a finding is over, in words that follow the user's name: `joined nurses`, `was deleted`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.codec import decode
from chalicelib.domain.findings import Reason, Resolution
from chalicelib.text import elided
from chalicelib.times import in_utc

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html: groups of one user
_MOST_GROUPS = 10
_LONGEST_NAME = 128
_SHORT_NAME = 16


def in_short(resolution: Resolution) -> str:
    """For a line of some 30 characters: the first group, the day of an end."""
    match resolution.reason:
        case Reason.JOINED_GROUP:
            first, *others = resolution.groups or ("a group",)
            more = f" and {len(others)} more" if others else ""
            return f"joined {elided(first, _SHORT_NAME - len(more))}{more}"
        case Reason.DELETED:
            return "was deleted"
        case Reason.EXEMPTED:
            until = resolution.exempted_until
            return f"exempt until {until:%Y-%m-%d}" if until else "exempt without an end"
        case Reason.ACCOUNT_LEFT:
            return "account not watched any more"


def in_full(
    resolution: Resolution, *, groups: int = _MOST_GROUPS, longest: int = _LONGEST_NAME
) -> str:
    """With all that is known; at most so many `groups` are named, none with a longer name."""
    match resolution.reason:
        case Reason.JOINED_GROUP:
            return f"joined {_listed(resolution.groups, groups, longest)}"
        case Reason.DELETED:
            return "was deleted"
        case Reason.EXEMPTED:
            until = resolution.exempted_until
            limit = f"until {in_utc(until)}" if until else ""
            by = elided(resolution.exempted_by, _LONGEST_NAME)
            return f"is exempt {limit or 'without an end'}, by {by}"
        case Reason.ACCOUNT_LEFT:
            return "is in an account that is watched no more"


def resolution_in(told: Mapping[str, Any]) -> Resolution:
    """What an alert's body tells of it, for channels, which get the body alone."""
    return decode(Resolution, {name: part for name, part in told.items() if part is not None})


def _listed(groups: tuple[str, ...], most: int, longest: int) -> str:
    shown = [elided(group, longest) for group in groups[:most]]
    rest = len(groups) - len(shown)
    return (", ".join(shown) or "a group") + (f" and {rest} more" if rest else "")
