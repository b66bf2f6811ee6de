"""The event path: from an event to what is noted of it, and to the check that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import flapping_notice
from chalicelib.domain.bearer import past_of
from chalicelib.domain.check_requests import CheckRequest, Origin
from chalicelib.domain.events import Change, Ignored, MembershipEvent, parse_event
from chalicelib.domain.facts import Fact, Kind, Mark, News, last_bound, surplus, told_by, went_on
from chalicelib.domain.past import FLAPPING_WINDOW, begun, flaps_within_a_day, thought_stray_since
from chalicelib.flows.commit import Commit
from chalicelib.flows.steps import Step
from chalicelib.log import log

_MOST_RENAMES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Receive:
    """The event path."""

    watched: Container[Account]
    commit: Commit
    clock: Callable[[], datetime]
    heard: Callable[[Account], object] = lambda _: None
    """Told whose event was taken."""

    def __call__(self, envelope: object) -> Step:
        """Take one event from EventBridge.

        Raises MalformedEventError for an event of ours that cannot be read, and what the tables and
        the queue raise: Lambda then tries again and at last dead-letters it.
        """
        event = parse_event(envelope, self.clock())
        if isinstance(event, MembershipEvent) and event.account not in self.watched:
            event = Ignored(f"{event.account.key} is not watched")
        if isinstance(event, Ignored):
            log("event_ignored", reason=event.reason)
            return Step.IGNORED
        step = self._taken(event)
        self.heard(event.account)
        log(
            "event_received",
            outcome=step,
            event_name=event.cause.event_name,
            event_id=event.cause.event_id,
            user_name=event.user_name,
        )
        return step

    def _taken(self, event: MembershipEvent) -> Step:
        """Note what the event tells, then have looked at what follows from all that is known.

        Noting comes first, so that a check never comes before its event is known. Killed in
        between, Lambda repeats the event: noting it again changes nothing, and it asks again.
        """
        for name, fact in told_by(event):
            mark = self._noted(event.account, name, fact)
        match event.change:
            case Change.CREATED | Change.LEFT:
                return self._lost(fact, mark)
            case Change.RENAMED:
                return self._renamed(fact, mark)
            case Change.JOINED | Change.DELETED:
                return self._settled(fact, mark)

    def _noted(self, account: Account, name: str, fact: Fact) -> Mark:
        ledger, now = self.commit.ledger, self.clock()
        blank = Mark(account=account, user_name=name)
        mark = ledger.note(blank, News(facts=(fact,)), now)
        if (spare := surplus(mark)).is_any:
            mark = ledger.note(mark, spare, now)
        return mark

    def _lost(self, fact: Fact, mark: Mark) -> Step:
        """Have a check wait out the grace, under the name that the user has by now."""
        step = Step.MERGED
        for name in self._names_since(mark, fact):
            self._ask(mark.account, name, fact)
            step = Step.WAITING
        return step

    def _names_since(self, mark: Mark, fact: Fact) -> tuple[str, ...]:
        """Where to look for whom the fact is about: nowhere if a later event asks for that."""
        if went_on(mark, fact.at) is None:
            last = begun(mark.facts)
            is_covered = last is not None and last.at > fact.at
            return () if is_covered else (mark.user_name,)
        return self._names_by_now(mark, fact)

    def _names_by_now(self, mark: Mark, fact: Fact) -> tuple[str, ...]:
        """Under which names whom the fact is about may go since; none where nobody gave this up."""
        end = went_on(mark, fact.at)
        if end is None:
            return ()
        # in the second of a rename: was it before it, or after?
        here = (mark.user_name,) if end.at == fact.at else ()
        return (*here, *self._names_after(mark.account, end))

    def _names_after(self, account: Account, end: Fact) -> tuple[str, ...]:
        """The name that a user has by now who gave one up; two if a second holds two renames."""
        names: list[str] = []
        for _ in range(_MOST_RENAMES):
            further = went_on(self.commit.ledger.mark(account, end.name), end.at)
            if further is None or further.at == end.at:
                names.append(end.name)
            if further is None:
                break
            end = further
        return tuple(dict.fromkeys(names))

    def _ask(self, account: Account, name: str, fact: Fact) -> None:
        ids = (f"{account.key}:{fact.user_id}:1",) if fact.user_id else ()
        self.commit.ask(CheckRequest(account, name, fact.at, Origin.EVENT, findings=ids))

    def _settled(self, fact: Fact, mark: Mark) -> Step:
        """Have whatever may be open on the user looked at."""
        bound = last_bound(mark)
        if mark.noted or (bound and bound.name and bound.is_start):  # a name it had may have it
            ids = tuple(f"{mark.account.key}:{n.user_id}:{n.number}" for n in mark.noted)
            self.commit.ask_again(mark.account, mark.user_name, findings=ids)
        if fact.kind is Kind.JOINED:
            for name in self._names_by_now(mark, fact):
                self.commit.ask_again(mark.account, name)
            self._tell_flapping(mark)
        return Step.NOTED

    def _tell_flapping(self, mark: Mark) -> None:
        """Who leaves and joins all day long never outlasts a grace: that is told once a day."""
        now = self.clock()
        episodes = flaps_within_a_day(mark.facts, now)
        limit = self.commit.settings.flapping_episodes
        told = mark.flapping_told_at is not None and mark.flapping_told_at > now - FLAPPING_WINDOW
        if 0 < limit <= episodes and not told:
            self.commit.topic.publish(flapping_notice(mark, episodes))
            self.commit.ledger.note(mark, News(flapping_told_at=now), now)

    def _renamed(self, fact: Fact, mark: Mark) -> Step:
        """Have the user looked at under its new name, if anything was under way for the old one.

        Nothing is handed over: whoever looks reads what the old name's mark tells of the user.
        """
        past = past_of(mark, lambda name: self.commit.ledger.mark(mark.account, name), left=fact)
        since = thought_stray_since(past)
        same_second = next((f for f in mark.facts if f.at == fact.at and f.is_start), None)
        if since is None and same_second:
            since = fact.at  # made in the second of the rename: before it, or after?
        for name in self._names_after(mark.account, fact):
            if since is not None:
                self.commit.ask(CheckRequest(mark.account, name, since, Origin.EVENT))
            elif mark.noted:
                self.commit.ask_again(mark.account, name)
        return Step.NOTED
