"""Playing the story and judging what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from straywatch.alert_path.delivered import Delivered
from straywatch.local.story.player import Player
from straywatch.local.story.script import Expected, Scene, StoryStep

GRACE = 5.0


def alert(kind: str, user: str) -> Delivered:
    """An alert of a kind about a user."""
    body = {"type": kind, "finding": {"user_name": user}}
    return Delivered(kind, "subject", "mail", body, {}, "{}", received_at=0.0)


@dataclass
class World:
    """Time, IAM, the inbox and the stage of one play, in one place."""

    to_come: list[tuple[float, Delivered]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    now: float = 0.0
    alerts: list[Delivered] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    def _make_api_call(self, operation: str, _parameters: dict[str, str]) -> None:
        if operation in self.refuses:
            raise ClientError({"Error": {"Code": self.refuses[operation]}}, operation)

    def poll(self, wait_seconds: int = 1) -> Sequence[Delivered]:
        """Let time pass and hand over what has come by then."""
        self.now += wait_seconds
        arrived = [alert for at, alert in self.to_come if at <= self.now]
        self.to_come = [(at, alert) for at, alert in self.to_come if at > self.now]
        self.alerts += arrived
        return arrived

    def scene(self, title: str) -> None:
        """Remember a title."""
        self.shown.append(title)

    def call(self, command: str, outcome: str) -> None:
        """Remember a call."""
        self.shown.append(f"{command} {outcome}".strip())

    def alert(self, alert: Delivered) -> None:
        """Remember an alert."""
        self.shown.append(f"{alert.type} {alert.user_name}")

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def player(self) -> Player:
        """Make the player of this world."""
        world: Any = self
        return Player(
            iam=world,
            inbox=world,
            stage=self,
            grace=GRACE,
            pace=1.0,
            clock=lambda: self.now,
            sleep=self.sleep,
        )


CREATE = StoryStep("CreateUser", {"UserName": "alice"})
ALERTED = Scene("alerted", (CREATE,), alerts=(Expected("opened", "alice"),))
SILENT = Scene("silent", (CREATE,))


def test_what_was_expected_and_came_is_fine() -> None:
    """Every expected alert and no other: the story went well, and was shown in order."""
    world = World(to_come=[(GRACE + 1, alert("opened", "alice"))])

    verdict = world.player().play([ALERTED])

    assert verdict.as_expected
    assert world.shown == ["alerted", "aws iam create-user --user-name alice", "opened alice"]


def test_an_alert_that_never_came_is_missed() -> None:
    """A missing alert fails the story."""
    verdict = World().player().play([ALERTED])

    assert verdict.missing == [Expected("opened", "alice")]
    assert not verdict.as_expected


def test_an_alert_nobody_expected_is_noticed_even_after_the_last_grace() -> None:
    """Silence is only believed some seconds after the last grace is over."""
    world = World(to_come=[(1.0 + GRACE + 3, alert("opened", "alice"))])

    verdict = world.player().play([SILENT])

    assert verdict.unexpected == [Expected("opened", "alice")]


def test_an_alert_that_came_twice_is_noticed() -> None:
    """One too many is as wrong as one too few."""
    twice = [(GRACE + 1, alert("opened", "alice")), (GRACE + 2, alert("opened", "alice"))]

    verdict = World(to_come=twice).player().play([ALERTED])

    assert verdict.unexpected == [Expected("opened", "alice")]
    assert verdict.missing == []


def test_a_scene_may_wait_for_the_alerts_before_it() -> None:
    """A resolution is only asked for once there is something to resolve."""
    world = World(to_come=[(GRACE + 2, alert("opened", "alice"))])
    after = Scene("after", (CREATE,), await_alerts=True)

    world.player().play([ALERTED, after])

    assert world.shown.index("opened alice") < world.shown.index("after")


def test_calls_that_go_otherwise_than_told_are_surprises() -> None:
    """A step that fails, or does not fail as it should, fails the story."""
    should_fail = StoryStep("CreateUser", {"UserName": "bob"}, refused_with="EntityAlreadyExists")

    unexpected_failure = World(refuses={"CreateUser": "Throttling"}).player().play([SILENT])
    unexpected_success = World().player().play([Scene("x", (should_fail,))])
    as_told = World(refuses={"CreateUser": "EntityAlreadyExists"}).player()

    assert unexpected_failure.surprises == (
        "aws iam create-user --user-name alice: Throttling, not success",
    )
    assert unexpected_success.surprises == (
        "aws iam create-user --user-name bob: success, not EntityAlreadyExists",
    )
    assert as_told.play([Scene("x", (should_fail,))]).as_expected
