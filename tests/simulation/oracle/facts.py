"""What the judges go by: the truth, the plan and the journal, arranged by user and by finding.

Nothing here, nor in the judges, comes from the product.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from tests.simulation.journal import Event, Invocation, Journal, Look, Published
from tests.simulation.kernel import MINUTE, SECOND, milliseconds
from tests.simulation.plan import Plan
from tests.simulation.truth import Episode, Truth

T = TypeVar("T")
SOON = MINUTE
"""What a check, its queue and its calls may take when nothing goes wrong."""
_AFTER_TROUBLE = 6 * MINUTE + MINUTE
"""How long a failed check stays hidden, and a killed worker's alert claimed."""
CACHED = 16 * SECOND
"""How old the exemptions may be that a check goes by."""
FRESH = 10 * SECOND
"""How old the look may be that a decision rests on: seconds, with all that lies between."""
BELIEVED = 3 * SECOND
"""How long what an event tells goes before what IAM shows. A lag beyond that is as IAM shows it."""
GROUP_LOOKS = ("page", "list_groups_for_user")
"""The answers that tell whether a user is in a group."""


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
        self.findings = _findings(journal)
        self._troubles = sorted(t.at for t in journal.troubles)
        self._findings_of = _by(self.findings.values(), lambda finding: finding.user_id)
        self._events_of = _by(journal.events, lambda event: event.user_id)
        self._looks_at: dict[str, list[Look]] = {}
        self._looks_for: dict[str, list[Look]] = _by(journal.looks, lambda look: look.name.lower())
        self._pages = [look for look in journal.looks if look.operation == "page"]
        for look in journal.looks:
            for user_id in look.users:
                self._looks_at.setdefault(user_id, []).append(look)
        self.soon = SOON if not plan.crowd else 5 * SOON
        self._delivered: dict[str, int] = {}
        for invocation in journal.invocations:
            self._delivered.setdefault(invocation.about, invocation.started)

    def grace_at(self, at: int) -> int:
        """The grace in force at that moment, in milliseconds."""
        return [grace for since, grace in self.journal.graces if since <= max(at, 0)][-1]

    def longest_grace(self, start: int, end: int) -> int:
        """The longest grace in force at any time between the two moments."""
        changes = [grace for since, grace in self.journal.graces if start < since <= end]
        return max(self.grace_at(start), *changes, 0)

    def due_after(self, start: int, known_at: int = 0) -> int:
        """When the grace is over that began at `start`, whatever deployments made of it.

        It is not over before `known_at`, when anybody learned of its beginning.
        """
        due = max(start + self.grace_at(start), known_at)
        while (later := start + self.longest_grace(start, self.deadline(due))) > due:
            due = later
        return due

    def events_of(self, user_id: str) -> list[Event]:
        """The events about the user, in the order of what they tell of."""
        return self._events_of.get(user_id, [])

    def looks_at(self, user_id: str) -> list[Look]:
        """IAM's answers that spoke of the user, in order of time."""
        return self._looks_at.get(user_id, [])

    def looks_for(self, user_id: str) -> list[Look]:
        """IAM's answers to questions about a name that the user ever bore, or about all users."""
        names = {u.name.lower() for _, u in self.truth.users[user_id] if u}
        return self._pages + [look for name in names for look in self._looks_for.get(name, ())]

    def is_misled(self, user_id: str, episode: Episode, start: int, end: int) -> bool:
        """Whether IAM showed what was so before the episode, or before a change since, for long.

        A change of name just before counts, too: what was told of the new one may not be its own.

        AWS promises no bound for its lag: beyond the seconds for which an event goes before what
        IAM shows, nobody can tell an old answer from a new state of which no event came.
        """
        if self.plan.iam_lag < BELIEVED - SECOND:
            return False
        shown = start - self.plan.iam_lag
        turns = {
            at for at, _ in self.truth.users[user_id] if episode.holds(at) or shown <= at < end
        }
        turns.add(episode.start)
        made = self.truth.users[user_id][0][0]  # who was shown as gone once may be thought so
        return any(
            _is_late(look, made)
            or (start <= look.at and any(_is_late(look, turn) for turn in turns))
            for look in self.looks_for(user_id)
            if look.at <= end
        )

    def is_anybodys(self, user_id: str, start: int, end: int) -> bool:
        """Whether somebody joined or left under a name in the second in which it changed hands.

        Of this user's, and times are whole seconds: nobody can say whom it was about.
        """
        handed = self._handed(user_id, start)
        return any(
            (event.name.lower(), event.told_at) in handed
            for event in self.journal.events
            if event.change in ("AddUserToGroup", "RemoveUserFromGroup") and event.made_at <= end
        )

    def is_muddled(self, user_id: str, start: int, end: int) -> bool:
        """Whether a name of the user's changed hands twice within a second, once untold.

        Any of those who were renamed then may be anybody.
        """
        names = {u.name.lower() for _, u in self.truth.users[user_id] if u}
        renames = [
            event
            for event in self.journal.events
            if event.change == "UpdateUser"
            and start <= event.made_at <= end
            and {event.name.lower(), event.group.lower()} & names
        ]
        return any(
            one.told_at == other.told_at and other.event_id not in self.journal.taken
            for one in renames
            for other in renames
            if one is not other
        )

    def is_nobodys(self, event: Event) -> bool:
        """Whether it joined or left under a name in the very second in which that changed hands.

        Or under one that IAM, lagging beyond any bound, still showed as somebody else's.
        """
        if event.change not in ("AddUserToGroup", "RemoveUserFromGroup"):
            return False
        handed = self._handed(event.user_id, event.told_at)
        return (event.name.lower(), event.told_at) in handed or self._shown_as_anothers(event)

    def _shown_as_anothers(self, event: Event) -> bool:
        if self.plan.iam_lag < BELIEVED:
            return False
        bearers = (
            self.truth.named(event.name, look.view)
            for look in self.looks_for(event.user_id)
            if event.made_at <= look.at <= event.made_at + self.plan.iam_lag
        )
        return any(user is None or user.user_id != event.user_id for user in bearers)

    def _handed(self, user_id: str, since: int) -> set[tuple[str, int]]:
        return {
            (name.lower(), event.told_at)
            for event in self.events_of(user_id)
            for name in (event.name, event.group)
            if event.change == "UpdateUser" and since <= event.told_at + SECOND
        }

    def is_mixed_up(self, finding: Finding) -> bool:
        """Whether IAM's answers about one name were about several users, as nobody could know.

        No call tells the groups of a user by its id. Who knows that the name changed hands can wait
        until IAM has followed; and a look that asks for the id before and after tells a change in
        between. Nothing helps against one that IAM shows late and no event has told.
        """
        started, lag = finding.decided_by.started, self.plan.iam_lag
        if not lag:
            return False
        names = {
            look.name.lower()
            for look in self.looks(finding)
            if look.operation != "page" and look.name
        }
        return any(
            started - lag <= at <= finding.decided_at and (lag >= BELIEVED or not told)
            for name in names
            for at, told in self.handed_over(name, started)
        )

    def handed_over(self, name: str, told_by: int) -> Iterator[tuple[int, bool]]:
        """When a name got a bearer or lost it, and whether the event of that had come by then."""
        for event in self.journal.events:
            if event.change in ("CreateUser", "DeleteUser", "UpdateUser"):
                to = event.group if event.change == "UpdateUser" else ""
                if name in (event.name.lower(), to.lower()):
                    yield event.made_at, self.taken_by(event, told_by)

    def delivered(self, event_id: str) -> bool:
        """Whether a function was given the event at all."""
        return event_id in self._delivered

    def delivered_by(self, event: Event, at: int) -> bool:
        """Whether the event had begun to be processed by then."""
        return self._delivered.get(event.event_id, at + 1) <= at or self.taken_by(event, at)

    def episodes(self, user_id: str) -> tuple[Episode, ...]:
        """The user's episodes up to the end."""
        return self.truth.episodes(user_id, self.end)

    def of_user(self, user_id: str) -> list[Finding]:
        """The user's findings in order of their decision."""
        return sorted(self._findings_of.get(user_id, ()), key=lambda f: f.decided_at)

    def taken_by(self, event: Event, at: int) -> bool:
        """Whether the event had been processed by then."""
        taken = self.journal.taken.get(event.event_id)
        return taken is not None and taken <= at

    def known(self, user_id: str, at: int) -> Iterator[Event]:
        """Events about the user that had been processed by then and could be told to be its own.

        Only CreateUser's tells the id: the rest is by name, so a rename that nobody told of leaves
        open whom the events before and after it were about.
        """
        own = [e for e in self.events_of(user_id) if e.made_at <= at]
        renames = [e.made_at for e in own if e.change == "UpdateUser" and not self.taken_by(e, at)]
        for event in own:
            if not renames and self.taken_by(event, at):
                yield event

    def looks(self, finding: Finding) -> list[Look]:
        """What the invocation that decided it had learned from IAM about the user by then."""
        return [
            look
            for look in self.looks_at(finding.user_id)
            if look.invocation is finding.decided_by and look.at <= finding.decided_at
        ]

    def episodes_of(self, finding: Finding) -> list[Episode]:
        """The episodes that the finding may have been opened for, the earliest first.

        IAM's answer may have shown an episode that was over by then, and another one begun.
        """
        views = [look.view for look in self.looks(finding)[-1:]] + [finding.decided_at]
        return [e for e in self.episodes(finding.user_id) if any(e.holds(at) for at in views)]

    def sightings(self, user_id: str, episode: Episode) -> list[Look]:
        """Looks of undisturbed whole sweeps that saw the user as a stray in this episode."""
        return [
            look
            for look in self.looks_at(user_id)
            if look.operation == "page"
            and look.invocation.function == "sweep"
            and look.invocation.started >= episode.start + self.plan.iam_lag
            and episode.holds(look.at)
            and episode.holds(look.view)
            and look.invocation.done
            and not look.invocation.hurried
        ]

    def deadline(self, due: int) -> int:
        """When what is due at `due` must be done, however much trouble there was on the way."""
        deadline = due + self.soon
        while True:
            later = max(deadline, self._after_trouble(due, deadline), self._after_death(deadline))
            if later == deadline:
                return deadline
            deadline = later

    def _after_trouble(self, due: int, deadline: int) -> int:
        last = bisect_left(self._troubles, deadline + 1) - 1
        if last < 0 or self._troubles[last] < due - _AFTER_TROUBLE:
            return 0
        return self._troubles[last] + _AFTER_TROUBLE + self.soon

    def _after_death(self, deadline: int) -> int:
        """Whatever is dead-lettered waits for the next redrive."""
        ends = [0]
        for at, _ in self.journal.dead_lettered:
            again = [redriven for redriven in self.journal.redriven if redriven >= at]
            if at <= deadline and again and again[0] >= deadline - self.soon:
                ends.append(again[0] + self.soon)
        return max(ends)


def _is_late(look: Look, turn: int) -> bool:
    return look.view < turn <= look.at - BELIEVED + SECOND


def _by(entries: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for entry in entries:
        found.setdefault(key(entry), []).append(entry)
    return found


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
