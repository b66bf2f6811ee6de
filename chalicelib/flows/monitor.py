"""The order of the steps: from an event to a queued check, from a check to an evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.alerts import flapping_notice
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin, decode_check
from chalicelib.domain.events import Change, Ignored, MembershipEvent, parse_event
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.findings import Reason, Resolution, Write
from chalicelib.domain.marks import (
    FLAPPING_WINDOW,
    IAM_LAG,
    Mark,
    carried_over,
    flaps_within_a_day,
    is_after,
    is_at_least,
    is_given_up_since,
    latest,
    left_behind,
    with_event,
)
from chalicelib.flows.floods import Calm, Floods
from chalicelib.flows.lifecycle import ContentionError, Due, Lifecycle, Outcome
from chalicelib.log import log

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk

LOOK_AGAIN_AFTER = IAM_LAG
"""A look this soon after an event may still show what was before."""
_MOST_RENAMES = 20
_ATTEMPTS = 6
_CALM = Calm()


class LiveIam(Protocol):
    """Live looks at IAM."""

    def look(self, user_name: str) -> Look:
        """The user's groups; or the user itself, in no group; or that it does not exist."""

    def user(self, user_name: str) -> User | NoSuchUser:
        """The user, or that it does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The event path and the check path."""

    iam: LiveIam
    lifecycle: Lifecycle
    exemption: Callable[[Account, User, datetime], Exempt | NotExempt]
    assess: Callable[[User], Risk]
    clock: Callable[[], datetime]
    floods: Floods | Calm = _CALM

    def receive(self, envelope: object) -> Outcome:
        """Take one event from EventBridge.

        Raises MalformedEventError for an event of ours that cannot be read, ContentionError, and
        what the tables and the queue raise: Lambda then tries again and at last dead-letters it.
        """
        event = parse_event(envelope, self.clock())
        if isinstance(event, Ignored):
            log("event_ignored", reason=event.reason)
            return Outcome.IGNORED
        outcome = self._taken(event)
        log(
            "event_received",
            outcome=outcome,
            event_name=event.cause.event_name,
            event_id=event.cause.event_id,
            user_name=event.user_name,
        )
        return outcome

    def _taken(self, event: MembershipEvent) -> Outcome:
        """Take the event in as the mark stands, and anew if another worker changes it meanwhile.

        A rename that two workers see in different orders must not lose what the other one noted.
        """
        for _ in range(_ATTEMPTS):
            mark = self._mark_of(event)
            match event.change:
                case Change.CREATED | Change.LEFT:
                    outcome = self._lost(event, mark)
                case Change.RENAMED:
                    outcome = self._renamed(event, mark)
                case Change.JOINED | Change.DELETED:
                    outcome = self._settled(event, mark)
            if outcome is not Outcome.OVERTAKEN:
                return outcome
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

    def _lost(self, event: MembershipEvent, mark: Mark) -> Outcome:
        """Ask for a check, then remember it: killed in between, the repeat asks once more."""
        at = event.cause.event_time
        covered = is_at_least(mark.left_at, at)  # by a check that is under way for a later event
        if not covered:
            self._ask(CheckRequest(event.account, mark.user_name, at, Origin.EVENT, event.cause))
            if mark.renamed_at == at:  # made in the second of a rename: before it, or after?
                self._ask(CheckRequest(event.account, mark.renamed_to, at, Origin.EVENT))
        if not self._noted(mark, with_event(mark, event)):
            return Outcome.OVERTAKEN
        return Outcome.MERGED if covered else Outcome.WAITING

    def _settled(self, event: MembershipEvent, mark: Mark) -> Outcome:
        """Remember it, then have whatever is open on the user looked at."""
        changed = with_event(mark, event)
        if not self._noted(mark, changed):
            return Outcome.OVERTAKEN
        if mark.open_user_ids:
            self.lifecycle.ask_again(mark.account, mark.user_name)
        if event.change is Change.JOINED:
            self._tell_flapping(self.lifecycle.state.mark(mark.account, mark.user_name))
        return Outcome.NOTED

    def _tell_flapping(self, mark: Mark) -> None:
        """Who leaves and joins all day long never outlasts a grace: that is told once a day."""
        now = self.clock()
        episodes = flaps_within_a_day(mark, now)
        limit = self.lifecycle.settings.flapping_episodes
        told = is_after(mark.flapping_told_at, now - FLAPPING_WINDOW)
        if 0 < limit <= episodes and not told:
            self.lifecycle.topic.publish(flapping_notice(mark, episodes))
            self.lifecycle.change_mark(mark, lambda m: replace(m, flapping_told_at=now))

    def _renamed(self, event: MembershipEvent, mark: Mark) -> Outcome:
        """Hand the user's past over to its new name. The old mark goes last: it ends the repeat."""
        renamed = with_event(mark, event)
        if renamed == mark:
            return Outcome.MERGED
        new = self.lifecycle.state.mark(event.account, event.new_name)
        since, cause = carried_over(renamed, new).left_at, mark.cause
        if since is None and mark.left_at == renamed.renamed_at:
            since = mark.left_at  # created in this second, before the rename or after it
        if since is not None:
            self._ask(CheckRequest(event.account, event.new_name, since, Origin.EVENT, cause))
        elif mark.open_user_ids or mark.seen_at:
            self.lifecycle.ask_again(event.account, event.new_name)
        self.lifecycle.change_mark(new, lambda m: carried_over(renamed, m))
        return Outcome.NOTED if self._noted(mark, left_behind(renamed)) else Outcome.OVERTAKEN

    def _ask(self, request: CheckRequest) -> datetime:
        due = request.since + self.lifecycle.settings.grace
        return self.lifecycle.queue.send(request, due, self.clock())

    def check(self, body: str) -> Outcome:
        """Take one message from the check queue.

        Raises MalformedCheckError for one that cannot be read, and whatever IAM, the tables, the
        queue or the topic raise: none of that is an evaluation.
        """
        request = decode_check(body)
        if isinstance(request, DigestRequest):
            self.floods.tell(request.account)
            return Outcome.TOLD
        outcome = self._check(request)
        log("checked", outcome=outcome, origin=request.origin, user_name=request.user_name)
        return outcome

    def _check(self, request: CheckRequest) -> Outcome:
        mark = self.lifecycle.state.mark(request.account, request.user_name)
        if is_given_up_since(mark, request.since):
            return Outcome.SUPERSEDED  # the rename asked for a check of the new name
        now = self.clock()
        if request.origin is not Origin.SETTLED:
            if is_after(mark.left_at, request.since) and mark.left_at:
                return Outcome.SUPERSEDED  # a later event asked for a check of its own
            if now < request.since + self.lifecycle.settings.grace:
                return self._wait_on(request, mark)
        mark = _with_request(mark, request)
        look = self.iam.look(request.user_name)
        if _is_too_fresh(look, mark, now):
            self.lifecycle.queue.send(request, now + LOOK_AGAIN_AFTER, now)
            return Outcome.WAITING
        return self._evaluated(request, mark, look, now)

    def _wait_on(self, request: CheckRequest, mark: Mark) -> Outcome:
        """Queue the message once more: a long grace takes many such steps.

        Only the newest copy goes on. SQS may hand a message over twice, and if every copy went on,
        their number would double with each such step.
        """
        same = mark.asked_since == request.since
        if same and request.due is not None and is_after(mark.asked_until, request.due):
            return Outcome.MERGED
        until = self._ask(request)
        self.lifecycle.change_mark(
            mark, lambda m: replace(m, asked_since=request.since, asked_until=until)
        )
        return Outcome.WAITING

    def _evaluated(self, request: CheckRequest, mark: Mark, look: Look, now: datetime) -> Outcome:
        match look:
            case InNoGroup(user):
                self._close_others(mark, user.user_id, now)
                return self._in_no_group(user, request, mark, now)
            case InGroups(groups):
                user_id = self._bearer(mark, request.user_name)
                self._close_others(mark, user_id, now)
                resolution = Resolution(Reason.JOINED_GROUP, groups)
                self.lifecycle.settle(mark, user_id, resolution, now)
                return Outcome.COMPLIANT
            case NoSuchUser():
                self._close_others(mark, "", now)
                return Outcome.GONE

    def _in_no_group(self, user: User, request: CheckRequest, mark: Mark, now: datetime) -> Outcome:
        exemption = self.exemption(mark.account, user, now)
        if isinstance(exemption, Exempt):
            resolution = Resolution(
                Reason.EXEMPTED, exempted_by=exemption.by, exempted_until=exemption.until
            )
            self.lifecycle.settle(mark, user.user_id, resolution, now)
            return Outcome.NOT_APPLICABLE
        result = self.lifecycle.stray(
            user,
            mark,
            looked_at=now,
            origin=request.origin,
            exemption_ended=exemption.ended,
        )
        if isinstance(result, Due):
            quiet = self.floods.joins(mark.account)
            opened = self.lifecycle.open(result, self.assess(user), quiet=quiet)
            return opened if isinstance(opened, Outcome) else Outcome.NON_COMPLIANT
        return result

    def _bearer(self, mark: Mark, user_name: str) -> str:
        """The id behind the name, asked for only where a finding may be open under it."""
        if not mark.open_user_ids:
            return ""
        user = self.iam.user(user_name)
        return "" if isinstance(user, NoSuchUser) else user.user_id

    def _close_others(self, mark: Mark, user_id: str, now: datetime) -> None:
        """Findings under this name whose user does not bear it any more."""
        for other in mark.open_user_ids:
            if other != user_id:
                self.lifecycle.gone(mark, other, now)


def _with_request(mark: Mark, request: CheckRequest) -> Mark:
    """The mark with what the message tells: it may be here before its event is noted.

    Whatever a rename is later than may have been about another bearer of the name.
    """
    cause = request.cause
    news = latest(mark.left_at, mark.renamed_at, mark.taken_at)
    if cause is None or cause.event_time != request.since or is_at_least(news, request.since):
        return mark
    return replace(mark, left_at=request.since, cause=cause, created_id="")


def _is_too_fresh(look: Look, mark: Mark, now: datetime) -> bool:
    """Whether the look contradicts an event that is only seconds old.

    A user just created may not be visible yet, one just removed may still show its group, one
    just added none.
    """
    match look:
        case InGroups():
            contradicted = mark.left_at if is_after(mark.left_at, mark.joined_at) else None
        case NoSuchUser():
            contradicted = mark.left_at if is_after(mark.left_at, mark.deleted_at) else None
        case InNoGroup():
            settled_at = latest(mark.joined_at, mark.deleted_at)
            contradicted = settled_at if is_after(settled_at, mark.left_at) else None
    return contradicted is not None and now < contradicted + LOOK_AGAIN_AFTER
