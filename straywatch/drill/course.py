"""The legs of a drill, in their order: event, check, alert, audience, resolve."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from chalicelib.domain.findings import AlertType, Finding, Status
from chalicelib.domain.past import begun
from straywatch.drill.audience import deaf
from straywatch.drill.listening import Ear
from straywatch.drill.volunteer import Volunteer, dismiss
from straywatch.observing.records import Leg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mypy_boto3_iam import IAMClient

    from straywatch.alert_path.subscriptions import Subscription
    from straywatch.observing.stored import Tables

_POLL_SECONDS = 1.0


class Part(StrEnum):
    """A leg's name, as reports tell it."""

    EVENT = "event"
    """From the call to what the monitor noted of it."""
    CHECK = "check"
    """From the end of the grace to the finding."""
    ALERT = "alert"
    """From the finding to a subscriber of the topic."""
    AUDIENCE = "audience"
    """Whether somebody besides the drill gets it."""
    RESOLVE = "resolve"
    """From the deletion to the alert that it is over."""


@dataclass(kw_only=True)
class Course:
    """One drill's way. `patience` is how long each leg may take, in seconds, beyond the grace."""

    iam: IAMClient
    tables: Tables
    ear: Ear
    volunteer: Volunteer
    audience: Callable[[], Sequence[Subscription]]
    patience: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def legs(self) -> Iterator[Leg]:
        """Go the way; each leg is told as it ends. The first broken one is the last."""
        begun_at = self.clock()
        steps: dict[Part, Callable[[], str]] = {
            Part.EVENT: self._noted,
            Part.CHECK: lambda: self._found(begun_at),
            Part.ALERT: lambda: self._told(AlertType.OPENED),
            Part.AUDIENCE: lambda: deaf(self.audience()),
            Part.RESOLVE: self._ended,
        }
        for part, step in steps.items():
            since = self.clock()
            if part is Part.CHECK:
                since = max(since, begun_at + self._grace)
            why = step()
            yield Leg(part, max(0, round(1000 * (self.clock() - since))), why)
            if why:
                return

    @property
    def _grace(self) -> float:
        return self.tables.observed.grace.total_seconds()

    def _noted(self) -> str:
        name = self.volunteer.name

        def noted() -> bool:
            return any(m.user_name == name and begun(m.facts) for m in self.tables.marks())

        late = f"no event of CreateUser was noted within {self.patience:g} s"
        return self._wait(noted, self.patience, late)

    def _found(self, begun_at: float) -> str:
        due = max(0.0, begun_at + self._grace - self.clock())
        late = f"no finding was opened within {self.patience:g} s after the grace"
        return self._wait(lambda: bool(self._finding()), due + self.patience, late)

    def _told(self, kind: AlertType) -> str:
        def told() -> bool:
            return bool(self.ear.listen(kind))

        why = self._wait(told, self.patience, "late")
        if not why:
            return ""
        unsent = [finding for finding in self._finding() if finding.outbox]
        if unsent:
            return f"the finding is stored, and its alert ({kind}) could not be published"
        return f"the alert ({kind}) was published, and the topic has not delivered it"

    def _ended(self) -> str:
        dismiss(self.iam, self.volunteer.name)

        def resolved() -> bool:
            return any(each.status is Status.RESOLVED for each in self._finding())

        late = f"the finding was not closed within {self.patience:g} s of the deletion"
        return self._wait(resolved, self.patience, late) or self._told(AlertType.RESOLVED)

    def _finding(self) -> Sequence[Finding]:
        found = self.tables.finding(f"{self.tables.account.key}:{self.volunteer.user_id}:1")
        return [found] if isinstance(found, Finding) else []

    def _wait(self, happened: Callable[[], bool], seconds: float, late: str) -> str:
        """Poll until something is so; "" if it was in time, else what to say."""
        deadline = self.clock() + seconds
        while not happened():
            if self.clock() >= deadline:
                return late
            self.sleep(_POLL_SECONDS)
        return ""
