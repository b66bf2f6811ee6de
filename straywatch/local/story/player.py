"""Plays the story against a running emulator and judges the alerts that came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from botocore.exceptions import ClientError

from straywatch.alert_path.delivered import Delivered
from straywatch.local.receivers.inbox import Inbox
from straywatch.local.story.script import Expected, Scene, StoryStep

LATEST_SECONDS = 60.0
"""How late after its grace an alert may arrive: cold starts on a slow machine are in it."""
SILENCE_SECONDS = 4.0
"""How long after the last grace a false alarm would have had the time to show itself."""


class Stage(Protocol):
    """Where the story is shown."""

    def scene(self, title: str) -> None:
        """Show what comes next."""

    def call(self, command: str, outcome: str) -> None:
        """Show a call and what IAM made of it."""

    def alert(self, alert: Delivered) -> None:
        """Show an alert."""


@dataclass(frozen=True)
class StoryResult:
    """What came and what should have: sorted, one entry for each alert or surprise."""

    missing: Sequence[Expected] = ()
    unexpected: Sequence[Expected] = ()
    surprises: Sequence[str] = ()

    @property
    def as_expected(self) -> bool:
        """Whether every expected alert, and no other, came."""
        return not (self.missing or self.unexpected or self.surprises)


@dataclass
class Player:
    """Plays scenes. `pace` is the time in seconds between two calls, `grace` the stack's own."""

    iam: Any
    inbox: Inbox
    stage: Stage
    grace: float
    pace: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    surprises: list[str] = field(default_factory=list)

    def play(self, scenes: Sequence[Scene]) -> StoryResult:
        """Play all scenes, wait until the last grace is well over, and judge."""
        expected: Counter[Expected] = Counter()
        for scene in scenes:
            if scene.await_alerts:
                self._await(expected)
            self.stage.scene(scene.title)
            for step in scene.steps:
                self._make(step)
            expected.update(scene.alerts)
        quiet_from = self.clock() + self.grace + SILENCE_SECONDS
        self._await(expected)
        while self.clock() < quiet_from:
            self._receive(1)
        arrived = self._arrived()
        return StoryResult(
            missing=sorted((expected - arrived).elements()),
            unexpected=sorted((arrived - expected).elements()),
            surprises=tuple(self.surprises),
        )

    def _make(self, step: StoryStep) -> None:
        try:
            self.iam._make_api_call(step.operation, dict(step.parameters))  # noqa: SLF001 - botocore's own way of calling by name
            code = ""
        except ClientError as error:
            code = error.response["Error"]["Code"]
        self.stage.call(step.command, code)
        if code != step.refused_with:
            self.surprises.append(
                f"{step.command}: {code or 'success'}, not {step.refused_with or 'success'}"
            )
        self._receive(0)
        self.sleep(self.pace)

    def _await(self, expected: Counter[Expected]) -> None:
        deadline = self.clock() + self.grace + LATEST_SECONDS
        while expected - self._arrived() and self.clock() < deadline:
            self._receive(1)

    def _receive(self, wait_seconds: int) -> None:
        for alert in self.inbox.poll(wait_seconds):
            self.stage.alert(alert)

    def _arrived(self) -> Counter[Expected]:
        return Counter(Expected(alert.type, alert.user_name) for alert in self.inbox.alerts)
