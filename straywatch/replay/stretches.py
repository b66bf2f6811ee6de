"""A stretch: how long a user was in no group without a break, as the log tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause


class Ending(StrEnum):
    """What ended a stretch."""

    JOINED_GROUP = "joined_group"
    DELETED = "deleted"
    REPLACED = "replaced"
    """Another user bears the name: this one was deleted or renamed, which the log does not show."""
    LOG_ENDS = "log_ends"
    """Nothing did: the user was still in no group where the account's log ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A user in no group from `since` to `until`.

    Where it is not `certain`, the user may have been in groups that the log does not show: the
    stretch is what it was at most, and may not have been one. `user_id` is empty where the log
    does not show the user's creation.
    """

    account: Account
    user_name: str
    user_id: str
    since: datetime
    until: datetime
    ending: Ending
    certain: bool
    cause: Cause | None
    group: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasted, or has lasted until the log ends."""
        return (self.until - self.since).total_seconds()

    @property
    def is_over(self) -> bool:
        """Whether it ended before the log did."""
        return self.ending is not Ending.LOG_ENDS
