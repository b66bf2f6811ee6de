"""The event path: from an event to what is noted of it, and to the check that it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.alerts import flapping_notice
from chalicelib.domain.check_requests import CheckRequest, Origin
from chalicelib.domain.events import Change, Ignored, MembershipEvent, parse_event
from chalicelib.domain.findings import Write
from chalicelib.domain.marks import (
    FLAPPING_WINDOW,
    Mark,
    carried_over,
    flaps_within_a_day,
    is_after,
    is_at_least,
    left_behind,
    with_event,
)
from chalicelib.flows.lifecycle import ContentionError, Lifecycle, Step
from chalicelib.log import log

_MOST_RENAMES = 20
_ATTEMPTS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """The event path."""

    lifecycle: Lifecycle
    clock: Callable[[], datetime]

    def __call__(self, envelope: object) -> Step:
        """Take one event from EventBridge.

        Raises MalformedEventError for an event of ours that cannot be read, ContentionError, and
        what the tables and the queue raise: Lambda then tries again and at last dead-letters it.
        """
        event = parse_event(envelope, self.clock())
        if isinstance(event, Ignored):
            log("event_ignored", reason=event.reason)
            return Step.IGNORED
        step = self._taken(event)
        log(
            "event_received",
            outcome=step,
            event_name=event.cause.event_name,
            event_id=event.cause.event_id,
            user_name=event.user_name,
        )
        return step

    def _taken(self, event: MembershipEvent) -> Step:
        """Take the event in as the mark stands, and anew if another worker changes it meanwhile.

        A rename that two workers see in different orders must not lose what the other one noted.
        """
        for _ in range(_ATTEMPTS):
            mark = self._mark_of(event)
            match event.change:
                case Change.CREATED | Change.LEFT:
                    step = self._lost(event, mark)
                case Change.RENAMED:
                    step = self._renamed(event, mark)
                case Change.JOINED | Change.DELETED:
                    step = self._settled(event, mark)
            if step is not Step.OVERTAKEN:
                return step
        raise ContentionError(f"the mark of {event.user_name!r} kept changing")

    def _noted(self, mark: Mark, changed: Mark) -> bool:
        """Store the changed mark; False if another worker was faster."""
        return changed == mark or self.lifecycle.state.write(changed) is Write.DONE

    def _mark_of(self, event: MembershipEvent) -> Mark:
        """The mark of the user whom the event is about, under its present name."""
        state = self.lifecycle.state
        mark = state.mark(event.account, event.user_name)
        at = event.cause.event_time
        for _ in range(_MOST_RENAMES):
            if mark.renamed_at is None or mark.renamed_at < at:
                break
            if event.change is Change.RENAMED and mark.renamed_to == event.new_name:
                break  # the same rename once more
            if event.change is Change.CREATED and mark.renamed_at == at:
                break  # the name was free again within the second, or its bearer has it no more
            at = mark.renamed_at  # what follows came later: a name given back is not left again
            mark = state.mark(event.account, mark.renamed_to)
        return mark

    def _lost(self, event: MembershipEvent, mark: Mark) -> Step:
        """Ask for a check, then remember it: killed in between, the repeat asks once more."""
        at = event.cause.event_time
        covered = is_at_least(mark.left_at, at)  # by a check that is under way for a later event
        if not covered:
            request = CheckRequest(event.account, mark.user_name, at, Origin.EVENT, event.cause)
            self.lifecycle.ask(replace(request, created_id=event.user_id))
            if mark.renamed_at == at:  # made in the second of a rename: before it, or after?
                self.lifecycle.ask(CheckRequest(event.account, mark.renamed_to, at, Origin.EVENT))
        if not self._noted(mark, with_event(mark, event)):
            return Step.OVERTAKEN
        return Step.MERGED if covered else Step.WAITING

    def _settled(self, event: MembershipEvent, mark: Mark) -> Step:
        """Remember it, then have whatever is open on the user looked at."""
        changed = with_event(mark, event)
        if not self._noted(mark, changed):
            return Step.OVERTAKEN
        if mark.open_user_ids:
            self.lifecycle.ask_again(mark.account, mark.user_name)
        if event.change is Change.JOINED:
            self._tell_flapping(self.lifecycle.state.mark(mark.account, mark.user_name))
        return Step.NOTED

    def _tell_flapping(self, mark: Mark) -> None:
        """Who leaves and joins all day long never outlasts a grace: that is told once a day."""
        now = self.clock()
        episodes = flaps_within_a_day(mark, now)
        limit = self.lifecycle.settings.flapping_episodes
        told = is_after(mark.flapping_told_at, now - FLAPPING_WINDOW)
        if 0 < limit <= episodes and not told:
            self.lifecycle.topic.publish(flapping_notice(mark, episodes))
            self.lifecycle.change_mark(mark, lambda m: replace(m, flapping_told_at=now))

    def _renamed(self, event: MembershipEvent, mark: Mark) -> Step:
        """Hand the user's past over to its new name. The old mark goes last: it ends the repeat."""
        renamed = with_event(mark, event)
        if renamed == mark:
            return Step.MERGED
        new = self.lifecycle.state.mark(event.account, event.new_name)
        since, cause = carried_over(renamed, new).left_at, mark.cause
        if since is None and mark.left_at == renamed.renamed_at:
            since = mark.left_at  # created in this second, before the rename or after it
        if since is not None:
            self.lifecycle.ask(
                CheckRequest(event.account, event.new_name, since, Origin.EVENT, cause)
            )
        elif mark.open_user_ids or mark.seen_at or is_after(mark.taken_at, renamed.renamed_at):
            self.lifecycle.ask_again(event.account, event.new_name)
        self.lifecycle.change_mark(new, lambda m: carried_over(renamed, m))
        return Step.NOTED if self._noted(mark, left_behind(renamed)) else Step.OVERTAKEN
