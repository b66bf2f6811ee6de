"""A whole drill: what it leaves is a record, and nothing else, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.adapters.parameters import read_parameter
from chalicelib.domain.account import User
from chalicelib.domain.exemptions import Exempt
from chalicelib.flows.exemptions_in_force import in_force
from chalicelib.times import exact, utc_now
from straywatch.alert_path.subscriptions import Subscription
from straywatch.aws.sessions import RETRIES
from straywatch.drill.audience import audience
from straywatch.drill.course import Course
from straywatch.drill.listening import open_ear, remove_old_ears
from straywatch.drill.volunteer import PATH, Volunteer, dismiss, enlist, leftovers, new_name
from straywatch.errors import StraywatchError
from straywatch.observing.deployment import Observed
from straywatch.observing.records import DrillRecord, Leg
from straywatch.observing.stored import Tables

if TYPE_CHECKING:
    import boto3

MOST_PATIENCE = 1500
"""Seconds for one leg: the three before the deletion end while the pager is mute."""
_MUTE = timedelta(minutes=90)
"""How long after its grace the pager ignores the drill; less than `domain.drills.LONGEST`."""
_NOTE_KEPT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a drill needs to know. `patience`: seconds for each leg beyond the grace."""

    session: boto3.Session
    observed: Observed
    topic_arn: str
    by: str
    patience: float
    page: bool

    @property
    def tables(self) -> Tables:
        """The deployment's tables."""
        return Tables(self.session.client("dynamodb", config=RETRIES), self.observed)

    def audience(self) -> Sequence[Subscription]:
        """Who gets an alert about the drill."""
        return audience(self.session, self.topic_arn, self.observed.account)

    def left_behind(self) -> Sequence[str]:
        """Users of earlier drills that are still there."""
        return leftovers(self.session.client("iam", config=RETRIES))


def tidy(plan: Plan) -> None:
    """Remove what earlier drills have left behind. Raises StraywatchError and ClientError."""
    iam = plan.session.client("iam", config=RETRIES)
    for name in plan.left_behind():
        dismiss(iam, name)
    remove_old_ears(plan.session, plan.topic_arn)


def run(plan: Plan, tell: Callable[[Leg], None]) -> DrillRecord:
    """Run a drill and keep its record; the user and the queue are gone when it returns or raises.

    Raises StraywatchError for a user who would be exempt, or who could not be deleted, and
    ClientError.
    """
    name, started_at = new_name(), utc_now()
    _refuse_exempt(plan, name)
    legs: list[Leg] = []
    with _volunteer(plan, name) as course:
        for leg in course.legs():
            legs.append(leg)
            tell(leg)
    record = DrillRecord(
        started_at=started_at,
        finished_at=utc_now(),
        by=plan.by,
        user_name=name,
        user_id=course.volunteer.user_id,
        legs=tuple(legs),
    )
    plan.tables.keep(record)
    return record


@contextmanager
def _volunteer(plan: Plan, name: str) -> Iterator[Course]:
    """Open the ear, leave word for the pager, make the user; and take all of it back."""
    iam = plan.session.client("iam", config=RETRIES)
    with ExitStack() as undo:
        ear = open_ear(plan.session, plan.topic_arn, name)
        undo.callback(ear.tap.close)
        _leave_word(plan, name)
        undo.callback(dismiss, iam, name)
        user = enlist(iam, name)
        _leave_word(plan, name, user)
        yield Course(
            iam=iam,
            tables=plan.tables,
            ear=ear,
            volunteer=user,
            audience=plan.audience,
            patience=plan.patience,
        )


def _leave_word(plan: Plan, name: str, user: Volunteer | None = None) -> None:
    """Note whom the pager is to ignore, before the user is there, and then by its id, too."""
    if plan.page:
        return
    account = plan.observed.account
    until = utc_now() + plan.observed.grace + _MUTE
    note = {
        "user_arn": f"arn:{account.partition}:iam::{account.account_id}:user{PATH}{name}",
        "user_id": user.user_id if user else "",
        "until": exact(until),
        "expires_at": int((until + _NOTE_KEPT).timestamp()),
    }
    plan.tables.note_drill(note)


def _refuse_exempt(plan: Plan, name: str) -> None:
    account = plan.observed.account
    arn = f"arn:{account.partition}:iam::{account.account_id}:user{PATH}{name}"
    ssm = plan.session.client("ssm", config=RETRIES)
    text = read_parameter(ssm, plan.observed.config_parameter)
    rules = in_force(text, plan.tables.configuration()).exemptions
    now = utc_now()
    match = rules.match(User("", name, arn, PATH, now, ()), now)
    if isinstance(match, Exempt):
        raise StraywatchError(
            f"the drill's user would be exempt by {match.by}, so that nothing can be seen of it: "
            f"narrow that exemption so that it leaves out the path {PATH}"
        )
