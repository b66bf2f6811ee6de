"""All that was seen of a history: what the world did, what the product did, what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.plan import Act


@dataclass(slots=True, eq=False)
class Invocation:
    """One run of one function. `result` is empty while it runs, and "done" if it returned."""

    number: int
    function: str
    about: str
    started: int
    ended: int = -1
    result: str = ""
    hurried: bool = False
    """Whether it was given too little time."""

    @property
    def done(self) -> bool:
        """Whether it ran to its end without an error."""
        return self.result == "done"


@dataclass(frozen=True, slots=True)
class Look:
    """One answer of IAM: `view` is the moment whose state it told.

    `users` are the ids it spoke of, and `name` whom it was asked about; a page names nobody.
    """

    at: int
    view: int
    invocation: Invocation
    operation: str
    name: str
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """A call that went wrong, or an invocation that was killed."""

    at: int
    invocation: Invocation
    operation: str
    fault: str


@dataclass(frozen=True, slots=True)
class Published:
    """One message on the alert topic."""

    at: int
    invocation: Invocation
    body: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The kind of message."""
        return str(self.body["type"])

    @property
    def finding(self) -> Mapping[str, Any]:
        """The finding it is about; empty where it is about none."""
        return self.body["finding"] or {}


@dataclass(frozen=True, slots=True)
class Event:
    """One event that IAM's calls gave rise to; `change` is what was done, to `user_id`."""

    event_id: str
    made_at: int
    told_at: int
    change: str
    user_id: str
    name: str
    group: str
    before: bool
    """Whether the user was in some group before it."""


@dataclass(frozen=True, slots=True)
class Page:
    """One event that PagerDuty took."""

    at: int
    action: str
    key: str
    invocation: Invocation


@dataclass(slots=True)
class Journal:
    """The record of one history, in order of time."""

    invocations: list[Invocation] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    published: list[Published] = field(default_factory=list)
    recorded: dict[str, tuple[int, Invocation]] = field(default_factory=dict)
    """When, and by which invocation, each finding id was first stored."""
    crowds: dict[str, str] = field(default_factory=dict)
    """With whom each finding opened, by finding id."""
    events: list[Event] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    """When each event was first processed to the end, by event id."""
    dead_lettered: list[tuple[int, str]] = field(default_factory=list)
    redriven: list[int] = field(default_factory=list)
    handed_over: list[str] = field(default_factory=list)
    """What channels were given by the alert topic: by which function, and which message."""
    carried: set[str] = field(default_factory=set)
    """What of it chat and the event bus took."""
    pages: list[Page] = field(default_factory=list)
    imported: dict[str, str] = field(default_factory=dict)
    """What Security Hub shows of each finding."""
    alarms: list[Act] = field(default_factory=list)
    """The changes of alarms that were told."""
    foreign: set[str] = field(default_factory=set)
    """Events of calls that were made elsewhere, by event id."""
    graces: list[tuple[int, int]] = field(default_factory=list)
    """Since when which grace was in force, in milliseconds."""
    kept_of_others: list[str] = field(default_factory=list)
    """What the tables hold at the end of accounts that are not watched."""
    situations: Counter[str] = field(default_factory=Counter)
    """What the history reached."""
    left_over: list[str] = field(default_factory=list)
    """What still lies in a queue at the end."""
    lines: list[tuple[int, str]] = field(default_factory=list)
    """The history in words."""
    faults: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    calm_at: int = 0
    """From when on nothing fails any more."""
    endless: bool = False
    """Whether it had to be broken off, since it would not end."""
    ended_at: int = 0

    def say(self, at: int, text: str) -> None:
        """Add a line to the history in words."""
        self.lines.append((at, text))
