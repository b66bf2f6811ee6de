"""An organization: which of its accounts are watched, and what is known of each of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chalicelib.domain.account import ACCOUNT_ID, UNIT_ID, Account
from chalicelib.domain.wildcard import matches

ACTIVE = "ACTIVE"
"""Of an account's `State` the only one in which its users can be anything but history."""


class InvalidSelectionError(Exception):
    """A text that selects no accounts; the message says which, and what would."""


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization, as it was read last.

    `units` holds the ids of the root and of the units above it, the nearest last. `tags` are
    `key=value`. `unwatched` says why it is not watched; empty if it is.
    """

    account: Account
    name: str = ""
    units: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    unwatched: str = ""

    @property
    def unit(self) -> str:
        """The id of the unit that it stands in, or of the root; empty where nobody told."""
        return self.units[-1] if self.units else ""

    def tag(self, key: str) -> str:
        """The value of a tag, whose key compares as IAM's do; empty where there is none."""
        pairs = (each.partition("=") for each in self.tags)
        return next((value for k, _, value in pairs if k.casefold() == key.casefold()), "")


@dataclass(frozen=True, slots=True)
class Listed:
    """An account as Organizations lists it, with its `State`, or why there is none, in words."""

    member: Member
    state: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which accounts of an organization are watched: any of `include`, and none of `exclude`.

    Each is the id of an account, the id of a unit (with all below it), `tag:KEY=VALUE`, or
    `name:PATTERN`; VALUE and PATTERN may hold `*` and `?`. Nothing included means everything.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def needs_tags(self) -> bool:
        """Whether it cannot be told without the accounts' tags."""
        return any(each.startswith("tag:") for each in (*self.include, *self.exclude))

    def why_not(self, member: Member) -> str:
        """Why the account is not watched; empty if it is."""
        if found := next((each for each in self.exclude if _covers(each, member)), ""):
            return f"excluded by {found}"
        if self.include and not any(_covers(each, member) for each in self.include):
            return "not included"
        return ""


def selection_of(include: str, exclude: str) -> Selection:
    """Read two lists with commas between. Raises InvalidSelectionError."""
    return Selection(_entries(include), _entries(exclude))


def _entries(text: str) -> tuple[str, ...]:
    entries = tuple(each.strip() for each in text.split(",") if each.strip())
    for each in entries:
        kind, _, value = each.partition(":")
        is_pattern = (kind == "tag" and "=" in value[1:]) or (kind == "name" and value)
        if not (is_pattern or ACCOUNT_ID.fullmatch(each) or UNIT_ID.fullmatch(each)):
            raise InvalidSelectionError(
                f"{each[:60]!r} is no account id, unit id, tag:KEY=VALUE or name:PATTERN"
            )
    return entries


def _covers(entry: str, member: Member) -> bool:
    kind, _, value = entry.partition(":")
    if kind == "tag":
        key, _, pattern = value.partition("=")
        return any(
            k.casefold() == key.casefold() and matches(pattern, found)
            for k, _, found in (tag.partition("=") for tag in member.tags)
        )
    if kind == "name":
        return matches(value, member.name)
    return entry == member.account.account_id or entry in member.units


def accounts_of(text: str, partition: str) -> tuple[Account, ...]:
    """The accounts of a list of ids with commas between. Raises InvalidSelectionError."""
    ids = [each.strip() for each in text.split(",") if each.strip()]
    if wrong := [each for each in ids if not ACCOUNT_ID.fullmatch(each)]:
        raise InvalidSelectionError(f"{wrong[0][:60]!r} is no account id of 12 digits")
    return tuple(Account(partition, each) for each in dict.fromkeys(ids))


def roster(
    listed: Iterable[Listed], known: Mapping[Account, Member], selection: Selection
) -> tuple[Member, ...]:
    """What is to be known of every account from now on, of those that left, too.

    An account whose units nobody told this time (it was being moved) keeps those that it had. One
    that is listed no more is to be handed in by the caller, with the state that AWS tells of it.
    """
    found: dict[Account, Member] = {}
    for each in listed:
        member = each.member
        before = known.get(member.account)
        if not member.units and before:
            member = replace(member, units=before.units)
        why = f"its state is {each.state}" if each.state.isupper() else each.state
        why = "" if each.state == ACTIVE else why
        found[member.account] = replace(member, unwatched=why or selection.why_not(member))
    return tuple(found.values())
