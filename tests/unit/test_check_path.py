"""The check path on memory alone: what becomes of one message of the check queue."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.domain.check_requests import (
    CheckRequest,
    DigestRequest,
    Origin,
    decode_check,
    encode_check,
)
from chalicelib.domain.decision import Rules
from chalicelib.domain.evaluation import Evaluation
from chalicelib.domain.events import MembershipEvent
from chalicelib.domain.exemptions import NotExempt
from chalicelib.domain.facts import Asked, Mark, News, Noted, told_by
from chalicelib.domain.findings import CLAIM, Status
from chalicelib.domain.floods import Limits
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.flows.check import Check
from chalicelib.flows.commit import Commit
from chalicelib.flows.floods import Floods
from chalicelib.flows.inquiry import Inquiry
from chalicelib.flows.steps import Step
from tests.fakes import Clock, Iam, Ledger, Queue, Topic, UnavailableError
from tests.unit.finding_samples import BOB, OPENED, SETTINGS
from tests.unit.records import ACCOUNT, NOW, at, event, renamed

GRACE = SETTINGS.grace
IN_GROUP = replace(BOB, groups=("nurses",))
STRAY = replace(BOB, groups=())
OTHERS = replace(ACCOUNT, account_id="999999999999")


@dataclass
class Scene:
    """An account with bob in it, and the check path that looks at him."""

    iam: Iam = field(default_factory=lambda: Iam({"bob": STRAY}))
    ledger: Ledger = field(default_factory=Ledger)
    queue: Queue = field(default_factory=Queue)
    topic: Topic = field(default_factory=Topic)
    clock: Clock = field(default_factory=lambda: Clock(NOW))

    @property
    def check(self) -> Check:
        """The path, on what the scene has."""
        rules = Rules(GRACE, SETTINGS.iam_lag)
        return Check(
            watched={ACCOUNT},
            inquiry=Inquiry(
                iam=self.iam,
                memory=self.ledger,
                exemption=lambda *_: NotExempt(),
                assess=lambda _: Risk(Severity.MEDIUM, "it has a password"),
                clock=self.clock,
                rules=rules,
            ),
            commit=Commit(
                settings=SETTINGS,
                ledger=self.ledger,
                queue=self.queue,
                topic=self.topic,
                find_user=self.iam.by_id,
                clock=self.clock,
            ),
            floods=Floods(
                limits=Limits(above=0, always=Severity.HIGH),
                documents=self.ledger.state,
                live=self.ledger.findings.live,
                in_crowd=self.ledger.findings.in_crowd,
                queue=self.queue,
                topic=self.topic,
                clock=self.clock,
            ),
            clock=self.clock,
        )

    def hear(self, told: MembershipEvent) -> None:
        """Note what an event tells."""
        for named, fact in told_by(told):
            mark = Mark(account=ACCOUNT, user_name=named)
            self.ledger.note(mark, News(facts=(fact,)), self.clock.now)

    def messages(self) -> list[CheckRequest | DigestRequest]:
        """What waits in the queue, as it will be handed over."""
        return [decode_check(body) for _, body in self.queue.handed_over(NOW + timedelta(days=9))]


def request(seconds: float, origin: Origin = Origin.EVENT) -> CheckRequest:
    """A check of bob, whose wait began so long after noon."""
    return CheckRequest(ACCOUNT, "bob", at(seconds), origin)


LONG_AGO = -GRACE.total_seconds() - 60


def test_a_stray_for_the_whole_grace_is_found() -> None:
    """And told of, once."""
    scene = Scene()
    scene.hear(event("RemoveUserFromGroup", LONG_AGO))
    body = encode_check(request(LONG_AGO))
    assert [scene.check(body), scene.check(body)] == [Evaluation.NON_COMPLIANT] * 2
    assert len(scene.topic.published) == 1
    assert scene.messages() == []


def test_what_another_worker_has_in_hand_is_checked_again_for_the_same_reason() -> None:
    """A check that waited out a grace still does: by then the grace may be a longer one."""
    scene = Scene()
    ended = replace(OPENED, status=Status.RESOLVED, resolved_at=at(LONG_AGO - 1))
    scene.ledger.findings.put(replace(ended, claimed_until=NOW + CLAIM))
    scene.hear(event("RemoveUserFromGroup", LONG_AGO))
    asked = replace(request(LONG_AGO), findings=(OPENED.finding_id,))
    assert scene.check(encode_check(asked)) is Step.WAITING
    assert scene.messages() == [replace(asked, due=NOW + CLAIM)]
    assert scene.topic.published == []


def test_one_check_stays_one_however_long_another_worker_takes() -> None:
    """Whatever it meets in others' hands: while alerts cannot be sent, nothing multiplies."""
    scene = Scene(iam=Iam({"bob": replace(STRAY, user_id="AIDAANOTHERUSERTHANBOB")}))
    gone = replace(OPENED, claimed_until=NOW + timedelta(hours=1))
    scene.ledger.findings.put(gone)
    noted = News(noted=(Noted(OPENED.user_id, 1, OPENED.opened_at),))
    scene.ledger.note(Mark(account=ACCOUNT, user_name="bob"), noted, NOW)
    bodies = [encode_check(request(0, Origin.SETTLED))]
    for _ in range(3):
        for body in bodies:
            scene.check(body)
        bodies = [encode_check(each) for each in scene.messages()]
        assert len(bodies) == 1
        scene.clock.advance(900)


def test_a_name_that_was_given_up_is_nobodys() -> None:
    """The rename asked for a check of the new name."""
    scene = Scene()
    scene.hear(renamed(-5, "bob", "rob"))
    assert scene.check(encode_check(request(-10))) is Step.SUPERSEDED
    assert scene.check(encode_check(request(-4))) is not Step.SUPERSEDED
    by_sweep = request(LONG_AGO, Origin.SWEEP)  # which saw somebody under the name after that
    assert scene.check(encode_check(by_sweep)) is Evaluation.NON_COMPLIANT


def test_what_is_left_of_a_long_grace_is_waited_for_by_the_newest_copy() -> None:
    """SQS may hand a message over twice, and holds it back for a quarter of an hour at most."""
    scene = Scene()
    scene.hear(event("RemoveUserFromGroup", -60))
    body = encode_check(replace(request(-60), due=NOW))
    assert scene.check(body) is Step.WAITING
    (again,) = scene.messages()
    assert again == replace(request(-60), due=at(GRACE.total_seconds() - 60))
    assert scene.ledger.mark(ACCOUNT, "bob").asked == (Asked(at(-60), again.due or NOW),)
    assert scene.check(body) is Step.MERGED
    assert scene.messages() == []


def test_a_later_event_waits_for_itself() -> None:
    """Its check is still to come; an earlier event's changes nothing."""
    scene = Scene()
    scene.hear(event("RemoveUserFromGroup", -50))
    assert scene.check(encode_check(request(-60))) is Step.SUPERSEDED
    assert scene.messages() == []


def test_the_grace_of_a_later_event_that_is_over_is_over_for_both() -> None:
    """Whichever check comes first looks."""
    scene = Scene()
    scene.hear(event("RemoveUserFromGroup", LONG_AGO + 10))
    assert scene.check(encode_check(request(LONG_AGO))) is Evaluation.NON_COMPLIANT


def test_a_settled_user_is_looked_at_without_a_wait() -> None:
    """Whoever may have ceased to be a stray need not wait for a grace."""
    scene = Scene(iam=Iam({"bob": IN_GROUP}))
    scene.ledger.findings.put(replace(OPENED, outbox=(), claimed_until=None))
    noted = News(noted=(Noted(OPENED.user_id, 1, OPENED.opened_at),))
    scene.ledger.note(Mark(account=ACCOUNT, user_name="bob"), noted, NOW)
    scene.hear(event("AddUserToGroup", -5))
    asked = replace(request(0, Origin.SETTLED), findings=(OPENED.finding_id,))
    assert scene.check(encode_check(asked)) is Evaluation.COMPLIANT
    (stored,) = scene.ledger.findings.kept.values()
    assert stored.status is Status.RESOLVED


def test_another_accounts_check_is_ignored() -> None:
    """Nothing is looked at, nothing is queued."""
    scene = Scene()
    body = encode_check(replace(request(LONG_AGO), account=OTHERS))
    assert scene.check(body) is Step.IGNORED
    assert (scene.messages(), scene.topic.published) == ([], [])


def test_a_failure_is_no_evaluation() -> None:
    """The message comes again."""
    scene = Scene(topic=Topic(broken=1))
    scene.hear(event("RemoveUserFromGroup", LONG_AGO))
    with pytest.raises(UnavailableError):
        scene.check(encode_check(request(LONG_AGO)))
