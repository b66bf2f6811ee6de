"""One step in the life of a journal: begun, perhaps done or refused, perhaps taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from straywatch.remediation.applying.steps import Step
from straywatch.remediation.reading.snapshot import Group

CLOCK_SKEW = timedelta(minutes=15)
"""AWS refuses requests whose clock is further off (IAM User Guide, Signature Version 4)."""

LONGEST_CALL = timedelta(minutes=15)
"""No call, with all its retries, takes longer (`aws/sessions.py`: 8 attempts of a minute)."""

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass
class Entry:
    """One step: begun, perhaps done, perhaps taken back.

    `refused` tells that AWS refused the call outright: the step did not happen. Neither done nor
    refused means that it may have happened.
    """

    number: int
    step: Step
    done: bool = False
    undone: bool = False
    refused: bool = False
    group_id: str = ""
    begun_at: datetime = NEVER
    ended_at: datetime | None = None
    undone_at: datetime | None = None

    def may_have_made(self, group: Group) -> bool:
        """Tell whether a group can be the one that this step created.

        Where the call's answer was lost its id is not known: then the group must have been made
        while the call lasted, give or take what clocks may differ by.
        """
        if self.group_id:
            return self.group_id == group.group_id
        created = (
            group.created_at if group.created_at.tzinfo else group.created_at.replace(tzinfo=UTC)
        )
        if self.begun_at == NEVER or group.path != (self.step.path or "/"):
            return False
        latest = (self.ended_at or self.begun_at + LONGEST_CALL) + CLOCK_SKEW
        return self.begun_at - CLOCK_SKEW <= created <= latest

    @property
    def changed_at(self) -> datetime | None:
        """When the account may last have changed by this step; None: never."""
        times = [self.undone_at] if self.undone_at else []
        if not self.refused and self.begun_at != NEVER:
            times.append(self.ended_at or self.begun_at)
        return max(times, default=None)
