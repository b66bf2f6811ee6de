"""What the judges go by: the truth, the plan and the journal, arranged by user and by finding.

Nothing here, nor in the judges, comes from the product.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.journal import Event, Invocation, Journal, Look, Published
from tests.simulation.kernel import MINUTE, SECOND, milliseconds
from tests.simulation.plan import Plan
from tests.simulation.truth import Episode, Truth

SOON = MINUTE
"""What a check, its queue and its calls may take when nothing goes wrong."""
_AFTER_TROUBLE = 6 * MINUTE + MINUTE
"""How long a failed check stays hidden, and a killed worker's alert claimed."""
CACHED = 16 * SECOND
"""How old the exemptions may be that a check goes by."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, when, and how."""

    promise: int
    at: int
    text: str

    def __str__(self) -> str:
        return f"promise {self.promise} at {self.at / SECOND:.3f}: {self.text}"


@dataclass(slots=True, eq=False)
class Finding:
    """One finding as receivers and the table's watcher know it."""

    finding_id: str
    user_id: str
    decided_at: int
    """When it was stored, or announced if it never was."""
    decided_by: Invocation
    opened: list[Published] = field(default_factory=list)
    resolved: list[Published] = field(default_factory=list)
    others: list[Published] = field(default_factory=list)


def told(text: str) -> int:
    """The virtual time of an instant in a message."""
    return milliseconds(datetime.fromisoformat(text))


class Facts:
    """The history, ready to be judged."""

    def __init__(self, plan: Plan, truth: Truth, journal: Journal) -> None:
        self.plan = plan
        self.truth = truth
        self.journal = journal
        self.end = journal.ended_at
        self.grace = plan.grace_seconds * SECOND
        self.findings = _findings(journal)
        self._troubles = sorted(t.at for t in journal.troubles)

    def episodes(self, user_id: str) -> tuple[Episode, ...]:
        """The user's episodes up to the end."""
        return self.truth.episodes(user_id, self.end)

    def of_user(self, user_id: str) -> list[Finding]:
        """The user's findings in order of their decision."""
        found = [f for f in self.findings.values() if f.user_id == user_id]
        return sorted(found, key=lambda f: f.decided_at)

    def taken_by(self, event: Event, at: int) -> bool:
        """Whether the event had been processed by then."""
        taken = self.journal.taken.get(event.event_id)
        return taken is not None and taken <= at

    def known(self, user_id: str, at: int) -> Iterator[Event]:
        """Events about the user that had been processed by then and could be told to be its own.

        Only CreateUser's tells the id: the rest is by name, so a rename that nobody told of leaves
        open whom the events before and after it were about.
        """
        own = [e for e in self.journal.events if e.user_id == user_id and e.made_at <= at]
        renames = [e.made_at for e in own if e.change == "UpdateUser" and not self.taken_by(e, at)]
        for event in own:
            if not renames and self.taken_by(event, at):
                yield event

    def looks(self, finding: Finding) -> list[Look]:
        """What the invocation that decided it had learned from IAM about the user by then."""
        return [
            look
            for look in self.journal.looks
            if look.invocation is finding.decided_by
            and finding.user_id in look.users
            and look.at <= finding.decided_at
        ]

    def episode_of(self, finding: Finding) -> Episode | None:
        """The episode that the finding was opened for."""
        looks = self.looks(finding)
        views = [look.view for look in looks[-1:]] + [finding.decided_at]
        episodes = self.episodes(finding.user_id)
        return next((e for view in views for e in episodes if e.holds(view)), None)

    def sightings(self, user_id: str, episode: Episode) -> list[Look]:
        """Looks of undisturbed whole sweeps that saw the user as a stray in this episode."""
        return [
            look
            for look in self.journal.looks
            if look.operation == "page"
            and look.invocation.function == "sweep"
            and user_id in look.users
            and look.invocation.started >= episode.start + self.plan.iam_lag
            and episode.holds(look.at)
            and look.invocation.done
            and not look.invocation.hurried
        ]

    def deadline(self, due: int) -> int:
        """When what is due at `due` must be done, however much trouble there was on the way."""
        deadline = due + SOON
        while True:
            later = max(deadline, self._after_trouble(due, deadline), self._after_death(deadline))
            if later == deadline:
                return deadline
            deadline = later

    def _after_trouble(self, due: int, deadline: int) -> int:
        last = bisect_left(self._troubles, deadline + 1) - 1
        if last < 0 or self._troubles[last] < due - _AFTER_TROUBLE:
            return 0
        return self._troubles[last] + _AFTER_TROUBLE + SOON

    def _after_death(self, deadline: int) -> int:
        """Whatever is dead-lettered waits for the next redrive."""
        ends = [0]
        for at, _ in self.journal.dead_lettered:
            again = [redriven for redriven in self.journal.redriven if redriven >= at]
            if at <= deadline and again and again[0] >= deadline - SOON:
                ends.append(again[0] + SOON)
        return max(ends)


def _findings(journal: Journal) -> dict[str, Finding]:
    found: dict[str, Finding] = {}
    for message in journal.published:
        if not message.finding:
            continue
        finding_id = str(message.finding["id"])
        if finding_id not in found:
            at, by = journal.recorded.get(finding_id, (message.at, message.invocation))
            found[finding_id] = Finding(finding_id, str(message.finding["user_id"]), at, by)
        finding = found[finding_id]
        kinds = {"opened": finding.opened, "resolved": finding.resolved}
        kinds.get(message.type, finding.others).append(message)
    return found
