"""The check path: from one message of the check queue to a look at IAM and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.domain.account import Account, InGroups, InNoGroup, Look, NoSuchUser, User
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin, decode_check
from chalicelib.domain.episodes import is_too_fresh
from chalicelib.domain.evaluation import Evaluation, evaluate
from chalicelib.domain.exemptions import Exempt, NotExempt
from chalicelib.domain.findings import Finding, resolution_of
from chalicelib.domain.marks import (
    IAM_LAG,
    Mark,
    creates,
    is_after,
    is_at_least,
    is_given_up_since,
    latest,
)
from chalicelib.flows.floods import Floods
from chalicelib.flows.lifecycle import Due, Lifecycle, Step
from chalicelib.flows.ports import LiveIam
from chalicelib.log import log

if TYPE_CHECKING:
    from chalicelib.domain.risk import Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The check path."""

    iam: LiveIam
    lifecycle: Lifecycle
    exemption: Callable[[Account, User, datetime], Exempt | NotExempt]
    assess: Callable[[User], Risk]
    floods: Floods
    clock: Callable[[], datetime]

    def __call__(self, body: str) -> Evaluation | Step:
        """Take one message from the check queue.

        Raises MalformedCheckError for one that cannot be read, and whatever IAM, the tables, the
        queue or the topic raise: none of that is an evaluation.
        """
        request = decode_check(body)
        if isinstance(request, DigestRequest):
            self.floods.tell(request.account)
            return Step.TOLD
        outcome = self._check(request)
        log("checked", outcome=outcome, origin=request.origin, user_name=request.user_name)
        return outcome

    def _check(self, request: CheckRequest) -> Evaluation | Step:
        mark = self.lifecycle.state.mark(request.account, request.user_name)
        if is_given_up_since(_with_request(mark, request), request.since):
            return Step.SUPERSEDED  # the rename asked for a check of the new name
        now = self.clock()
        if request.origin is not Origin.SETTLED:
            if is_after(mark.left_at, request.since) and mark.left_at:
                return Step.SUPERSEDED  # a later event asked for a check of its own
            if now < request.since + self.lifecycle.settings.grace:
                return self._wait_on(request, mark)
        mark = _with_request(mark, request)
        look = self.iam.look(request.user_name)
        if is_too_fresh(look, mark, now):
            self.lifecycle.queue.send(request, now + IAM_LAG, now)
            return Step.WAITING
        return self._evaluated(request, mark, look, now)

    def _wait_on(self, request: CheckRequest, mark: Mark) -> Step:
        """Queue the message once more: a long grace takes many such steps.

        Only the newest copy goes on. SQS may hand a message over twice, and if every copy went on,
        their number would double with each such step.
        """
        same = mark.asked_since == request.since
        if same and request.due is not None and is_after(mark.asked_until, request.due):
            return Step.MERGED
        until = self.lifecycle.ask(request)
        self.lifecycle.change_mark(
            mark, lambda m: replace(m, asked_since=request.since, asked_until=until)
        )
        return Step.WAITING

    def _evaluated(
        self, request: CheckRequest, mark: Mark, look: Look, now: datetime
    ) -> Evaluation | Step:
        user = self._bearer(request, mark, look)
        user_id = user.user_id if isinstance(user, User) else ""
        self._close_others(mark, user_id, now)
        exemption: Exempt | NotExempt = NotExempt()
        if isinstance(user, User):
            exemption = self.exemption(mark.account, user, now)
        groups = look if isinstance(look, NoSuchUser) else look.groups
        evaluated = evaluate(request.user_name, groups, exemption)
        if isinstance(user, User) and evaluated.evaluation is Evaluation.NON_COMPLIANT:
            return self._stray(user, request, mark, evaluated.exemption_ended, now)
        if evaluated.evaluation is not Evaluation.GONE:
            self.lifecycle.settle(mark, user_id, resolution_of(evaluated), now)
        return evaluated.evaluation

    def _bearer(self, request: CheckRequest, mark: Mark, look: Look) -> User | NoSuchUser:
        """The user behind the name; NoSuchUser, too, where nothing follows from who it is.

        Who is in a group is asked for only where a finding may be open under the name. Else an
        exemption could change no more than the word in the log, which says COMPLIANT then.
        """
        if isinstance(look, InNoGroup):
            return look.user
        if isinstance(look, InGroups) and mark.open_user_ids:
            return self.iam.user(request.user_name)
        return NoSuchUser()

    def _stray(
        self,
        user: User,
        request: CheckRequest,
        mark: Mark,
        exemption_ended: datetime | None,
        now: datetime,
    ) -> Evaluation | Step:
        result = self.lifecycle.stray(
            user, mark, looked_at=now, origin=request.origin, exemption_ended=exemption_ended
        )
        if isinstance(result, Due):
            risk = self.assess(user)
            told = self.floods.join(mark.account, risk.severity)
            opened = self.lifecycle.open(result, risk, told=told)
            return Evaluation.NON_COMPLIANT if isinstance(opened, Finding) else opened
        return result

    def _close_others(self, mark: Mark, user_id: str, now: datetime) -> None:
        """Findings under this name whose user does not bear it any more."""
        for other in mark.open_user_ids:
            if other != user_id:
                self.lifecycle.gone(mark, other, now)


def _with_request(mark: Mark, request: CheckRequest) -> Mark:
    """The mark with what the message tells: it may be here before its event is noted.

    Whatever a rename is later than may have been about another bearer of the name; who was created
    in the second of a rename took the name that got free.
    """
    cause = request.cause
    got_free = creates(cause) and mark.renamed_at == request.since
    news = latest(mark.left_at, None if got_free else mark.renamed_at, mark.taken_at)
    if cause is None or cause.event_time != request.since or is_at_least(news, request.since):
        return mark
    return replace(mark, left_at=request.since, cause=cause, created_id=request.created_id)
