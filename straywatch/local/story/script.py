"""The demo story: IAM calls as a person would have typed them, and the alerts they should cause."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from botocore import xform_name


@dataclass(frozen=True)
class StoryStep:
    """One IAM call. `refused_with` is the error code that it should meet, "" for success."""

    operation: str
    parameters: Mapping[str, str]
    refused_with: str = ""

    @property
    def command(self) -> str:
        """The call as one would type it."""
        options = [
            word
            for name, value in self.parameters.items()
            for word in (f"--{xform_name(name, '-')}", value)
        ]
        return shlex.join(["aws", "iam", xform_name(self.operation, "-"), *options])


@dataclass(frozen=True, order=True)
class Expected:
    """An alert that a reader should get: its type and the user it is about."""

    type: str
    user_name: str


@dataclass(frozen=True)
class Scene:
    """A few calls that belong together, and what should come of them (nothing is silence).

    Scenes run on while earlier graces run out, unless they `await_alerts` of all before them.
    """

    title: str
    steps: Sequence[StoryStep]
    alerts: Sequence[Expected] = field(default=())
    await_alerts: bool = False


def _create(user: str) -> StoryStep:
    return StoryStep("CreateUser", {"UserName": user})


def _join(user: str, group: str) -> StoryStep:
    return StoryStep("AddUserToGroup", {"UserName": user, "GroupName": group})


def _leave(user: str, group: str) -> StoryStep:
    return StoryStep("RemoveUserFromGroup", {"UserName": user, "GroupName": group})


STORY: Sequence[Scene] = (
    Scene(
        "Two groups to begin with",
        (
            StoryStep("CreateGroup", {"GroupName": "nurses"}),
            StoryStep("CreateGroup", {"GroupName": "billing"}),
        ),
    ),
    Scene(
        "Alice is created and left alone: an alert, once her grace is over",
        (_create("alice"),),
        alerts=(Expected("opened", "alice"),),
    ),
    Scene(
        "Bob is created and put in a group in time: silence",
        (_create("bob"), _join("bob", "nurses")),
    ),
    Scene(
        "Carol is removed from the last of her two groups: an alert",
        (
            _create("carol"),
            _join("carol", "nurses"),
            _join("carol", "billing"),
            _leave("carol", "nurses"),
            _leave("carol", "billing"),
        ),
        alerts=(Expected("opened", "carol"),),
    ),
    Scene(
        "Dave is removed from one of his two groups: silence",
        (
            _create("dave"),
            _join("dave", "nurses"),
            _join("dave", "billing"),
            _leave("dave", "billing"),
        ),
    ),
    Scene(
        "Erin is created and deleted in time: silence",
        (_create("erin"), StoryStep("DeleteUser", {"UserName": "erin"})),
    ),
    Scene(
        "A call that fails, for there is a Bob already: silence",
        (StoryStep("CreateUser", {"UserName": "bob"}, refused_with="EntityAlreadyExists"),),
    ),
    Scene(
        "Alice joins a group at last: the alert about her is resolved",
        (_join("alice", "nurses"),),
        alerts=(Expected("resolved", "alice"),),
        await_alerts=True,
    ),
)
