"""The check path: from one message of the check queue to a look at IAM and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.bearer import past_of
from chalicelib.domain.check_requests import CheckRequest, DigestRequest, Origin, decode_check
from chalicelib.domain.decision import Row
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.facts import Mark, is_given_up
from chalicelib.domain.findings import Finding, NoFinding
from chalicelib.domain.past import begun
from chalicelib.flows.commit import Commit, NotYetError
from chalicelib.flows.floods import Floods
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.steps import Step
from chalicelib.log import log


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The check path."""

    watched: Container[Account]
    inquiry: Inquiry
    commit: Commit
    floods: Floods
    clock: Callable[[], datetime]

    def __call__(self, body: str) -> Evaluation | Step:
        """Take one message from the check queue.

        Raises MalformedCheckError for one that cannot be read, and whatever IAM, the tables, the
        queue or the topic raise: none of that is an evaluation.
        """
        request = decode_check(body)
        if request.account not in self.watched:
            log("check_ignored", reason=f"{request.account.key} is not watched")
            return Step.IGNORED
        if isinstance(request, DigestRequest):
            if (until := self.commit.held_until()) > (now := self.clock()):
                self.commit.queue.send(request, until, now)
                return Step.WAITING
            self.floods.tell(request.account)
            return Step.TOLD
        outcome, row = self._check(request)
        told = {"outcome": outcome, "origin": request.origin, "user_name": request.user_name}
        log("checked", **told, row=row)
        return outcome

    def _check(self, request: CheckRequest) -> tuple[Evaluation | Step, str]:
        mark, findings = self.commit.ledger.read(
            request.account, request.user_name, request.findings
        )
        step = self._before_the_look(request, mark)
        return self._looked(request, mark, findings) if step is Step.DUE else (step, "")

    def _before_the_look(self, request: CheckRequest, mark: Mark) -> Step:
        """Let another check do it, or wait for what is left of the grace."""
        if request.origin is not Origin.SWEEP and is_given_up(mark, request.since):
            return Step.SUPERSEDED  # the rename asked for a check of the new name
        due, is_last = request.since, True
        if request.origin is not Origin.SETTLED:
            last = begun(past_of(mark, lambda name: Mark(account=mark.account, user_name=name)))
            is_last = last is None or last.at <= request.since
            since = last.at if last and not is_last else request.since
            due = since + self.commit.settings.grace
        if self.clock() >= due:
            return Step.DUE
        # a later event asked for a check of its own, which is still to come
        return self.commit.come_back(request, due, mark) if is_last else Step.SUPERSEDED

    def _looked(
        self, request: CheckRequest, mark: Mark, findings: Mapping[str, Finding | NoFinding]
    ) -> tuple[Evaluation | Step, str]:
        seen = self.inquiry.look(mark, request.origin, findings)
        try:
            decision, seen = self.commit.conclude(seen, self.inquiry, self.floods.join)
            if decision.row is not Row.LOOK_LATER:
                self.commit.part_with_others(seen)
        except NotYetError as busy:
            self.commit.come_back(request, busy.until, mark)
            return Step.WAITING, Row.UNSENT
        if decision.row is Row.LOOK_LATER and decision.look_at:
            self.commit.queue.send(request, decision.look_at, self.clock())
            return Step.WAITING, decision.row
        if decision.row is Row.GRACE_RUNS or decision.evaluated is None:
            return Step.WAITING, decision.row
        return decision.evaluated.evaluation, decision.row
