"""A plan: which groups shall exist, who joins them, and which direct policies they replace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, StringConstraints

from chalicelib.domain.exemptions import Exemptions
from straywatch.remediation.reading.quotas import GROUP_NAME_LENGTH, PATH_LENGTH
from straywatch.remediation.reading.snapshot import Snapshot

SCHEMA = "straywatch.plan/1"
KNOWN_KEYS_ALONE = ConfigDict(extra="forbid")
"""How a plan file is read into the types below: a key that is not theirs is refused."""

Scope = Literal["strays", "direct"]
_T = TypeVar("_T")


def _each_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} stands twice")
    return texts


def _with_statements(document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "Statement" not in document:
        raise ValueError("a policy document needs a Statement")
    return document


Set = Annotated[tuple[_T, ...], AfterValidator(_each_once)]
GroupName = Annotated[
    str, StringConstraints(pattern=rf"^[A-Za-z0-9_+=,.@-]{{1,{GROUP_NAME_LENGTH}}}$")
]
Path = Annotated[str, StringConstraints(pattern=r"^(/|/[\x21-\x7e]+/)$", max_length=PATH_LENGTH)]
PolicyArn = Annotated[
    str, StringConstraints(pattern=r"^arn:[a-z0-9-]+:iam::(aws|[0-9]{12}):policy/.+$")
]
Document = Annotated[Mapping[str, Any], AfterValidator(_with_statements)]
UserId = Annotated[str, Field(alias="id")]


@dataclass(frozen=True)
class PlannedGroup:
    """A group that users join: to be created with these policies, or one that exists."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_KEYS_ALONE

    name: GroupName
    create: StrictBool
    path: Path = "/"
    attach: Set[PolicyArn] = ()
    inline: Mapping[GroupName, Document] = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class PlannedUser:
    """What becomes of one user. `stays` lists direct policies that no planned group replaces."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_KEYS_ALONE

    name: str
    user_id: UserId
    join: Set[GroupName]
    detach: Set[str] = ()
    delete_inline: Set[str] = ()
    stays: Set[str] = ()
    gains: Set[str] = ()
    why: str = ""


@dataclass(frozen=True)
class Proposal:
    """A user better deleted or exempted than put into a group. Applying a plan does neither."""

    __pydantic_config__: ClassVar[ConfigDict] = KNOWN_KEYS_ALONE

    name: str
    user_id: UserId
    proposal: Literal["delete", "exempt"]
    why: str = ""


@dataclass(frozen=True)
class Options:
    """What the planner aims at."""

    scope: Scope = "strays"
    max_gain: int = 0
    min_members: int | None = None
    """Users a new group must serve; None: as `fewest_members` has it."""
    prefix: str = "access-"
    path: str = "/"
    exclude: tuple[str, ...] = ()
    exemptions: Exemptions = field(default_factory=Exemptions)
    """Whom the plan leaves alone; without a document, those whose tags exempt them."""
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The time at which exemptions are in force or over."""


def fewest_members(options: Options, users: int) -> int:
    """How many users a new group must serve so that moving a permission into it is worth it.

    With scope `direct` every direct policy shall go, so that one user is enough. Strays need but
    one group each: what only few of them share besides stays direct, where few is less than two,
    or than one in a thousand users in scope.
    """
    if options.min_members is not None:
        return options.min_members
    return 1 if options.scope == "direct" else max(2, users // 1000)


@dataclass(frozen=True)
class Plan:
    """A plan and the state of the account it was made for (`before`: only what it relies on).

    `at_least` is the proved number of new groups below which no plan moves the same permissions
    with the same gains.
    """

    before: Snapshot
    scope: Scope
    max_gain: int
    at_least: int
    groups: tuple[PlannedGroup, ...]
    users: tuple[PlannedUser, ...]
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...] = ()

    def group(self, name: str) -> PlannedGroup | None:
        """The planned group of that name in any case, or None."""
        return next((g for g in self.groups if g.name.lower() == name.lower()), None)

    @property
    def new_groups(self) -> tuple[PlannedGroup, ...]:
        """The groups that the plan creates."""
        return tuple(group for group in self.groups if group.create)
