"""A history before it is played: who does what when, which events get lost, what fails.

A plan is plain data, so that a failing one can be cut down step by step and played again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Do(StrEnum):
    """What the people of the account, and its operators, do."""

    CREATE = "create"
    ADD = "add"
    REMOVE = "remove"
    RENAME = "rename"
    DELETE = "delete"
    TAG = "tag"
    UNTAG = "untag"
    EXEMPT = "exempt"
    UNEXEMPT = "unexempt"
    BREAK_CONFIGURATION = "break-configuration"
    MEND_CONFIGURATION = "mend-configuration"
    TAGS_OFF = "tags-off"
    TAGS_ON = "tags-on"
    SET_GRACE = "set-grace"
    """A deployment changes the setting: `other` is the new grace in seconds."""
    ALARM = "alarm"
    """An alarm of CloudWatch changes to the state `other`."""
    QUEUE = "queue"
    """Somebody puts a check of the user into the check queue, in the form of an older version."""


@dataclass(frozen=True, slots=True)
class Act:
    """One thing done at `at`, by the user name; it comes to nothing where it is impossible.

    `other` is the group, the new name, or what an exemption goes by. `until` ends an exemption.
    `deliveries` are how long each delivery of its event takes: none means that it is lost, two
    that it comes twice. `elsewhere` names the account and the region of a call that is not made in
    the account that is watched, though its event or message comes: nothing follows from it.
    """

    at: int
    do: Do
    name: str = ""
    other: str = ""
    until: int | None = None
    deliveries: tuple[int, ...] = ()
    elsewhere: str = ""


class Fault(StrEnum):
    """How a call to AWS goes wrong."""

    THROTTLED = "throttled"
    DENIED = "denied"
    SERVER_ERROR = "server error"
    UNREACHED = "timed out, nothing done"
    UNANSWERED = "timed out, yet done"
    LYING = "a kind answer from somebody else"
    """PagerDuty alone: 200, as a wrong address would say it."""
    REPEATED = "done twice by the SDK's retry"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `start` to `end` this share of a service's calls fails in one way."""

    start: int
    end: int
    service: str
    fault: Fault
    share: float


@dataclass(frozen=True, slots=True)
class Strike:
    """One call that goes wrong: the first of this operation at exactly this time."""

    at: int
    operation: str
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One history. Times are milliseconds; `luck` decides all that is not written here.

    `strike_rate` is the share of calls that go wrong on their own; a plan that was played has
    them written out in `strikes` instead. Nothing fails any more from `calm_at` on.
    """

    luck: int
    grace_seconds: int
    sweep_every: int
    iam_lag: int
    duplicate_rate: float
    strike_rate: float
    acts: tuple[Act, ...]
    calm_at: int
    stretches: tuple[Stretch, ...] = ()
    strikes: tuple[Strike, ...] | None = None
    extra_sweeps: tuple[int, ...] = ()
    redrives: tuple[int, ...] = ()
    reminder_hours: int = 24
    escalate_hours: int = 72
    digest_above: int = 10
    hurried_sweeps: float = 0.0
    """The share of sweeps that get too little time for all they have to do."""
    crowd: int = 0
    """Users who have been there for long; the first `crowd_strays` of them are in no group."""
    crowd_strays: int = 0
    slow_pages: int = 0
    """How much longer a page of the snapshot takes on its way, in milliseconds."""
    slow_reads: int = 0
    """How much longer a read of what the user may do takes, in milliseconds."""
    slow_publish: int = 0
    """How much longer each message to the topic takes, in milliseconds."""
    upgrade_at: int = 0
    """Until then the version before this one runs: what it wrote is all that is left of it."""
    channels: bool = False
    """Whether the pager, chat, the event bus and Security Hub are subscribed to the alert topic."""
    admins: float = 0.0
    """The share of users who are administrators."""
    situations: tuple[str, ...] = ()
    """What the author put into the history on purpose."""
