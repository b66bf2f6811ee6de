"""Apply a plan: give first, verify, then take away; every call journaled, every run resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.adapters.iam_pages import FAILURES
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.remediation.applying.changes import changes
from straywatch.remediation.applying.entries import Entry
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.refusals import Failure, code_of, is_refused, words
from straywatch.remediation.applying.settling import (
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
    Sleep,
    Tell,
    let_settle,
)
from straywatch.remediation.applying.steps import (
    CREATE,
    DELETE,
    DETACH,
    Step,
    grant_steps,
    is_done,
    perform,
    removal_steps,
)
from straywatch.remediation.applying.verification import verify
from straywatch.remediation.planning.intent import check
from straywatch.remediation.planning.plan import Plan
from straywatch.remediation.policies.documents import canonical
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Read = Callable[[], Snapshot]

BATCH = 100
"""Users whose direct policies are removed between two looks at the account."""

_NAMED = 5


@dataclass(frozen=True)
class Applied:
    """How much a run did, and how much was already as planned."""

    made: int
    already: int


def refuse_if_changed(plan: Plan, now: Snapshot, journal: Journal | None) -> None:
    """Raise StraywatchError naming what changed in the account since the plan was made."""
    if plan.before.account != now.account:
        raise WrongUsageError(
            f"the plan is for account {plan.before.account.account_id}, these credentials are for "
            f"{now.account.account_id}"
        )
    created = journal.created() if journal else {}
    found = changes(plan, now, lambda name: name.lower() in created)
    if found:
        more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise StraywatchError(
            f"the account changed since the plan was made: {'; '.join(found[:_NAMED])}{more}. "
            "Make a new plan"
        )


def refuse_if_harmful(plan: Plan) -> None:
    """Raise WrongUsageError if the plan, perhaps edited, takes something away or gives too much."""
    for outcome in check(plan):
        if outcome.unintended:
            raise WrongUsageError(
                f"the plan must not do this to {outcome.user}: {outcome.unintended[0]}"
            )


def remaining(plan: Plan, now: Snapshot, *, detach_direct: bool) -> list[Step]:
    """The steps that are not done yet, in the order in which they are safe."""
    steps = grant_steps(plan) + (removal_steps(plan) if detach_direct else [])
    return [step for step in steps if not is_done(step, now)]


def apply_plan(
    plan: Plan,
    journal: Journal,
    iam: IAMClient,
    read: Read,
    *,
    detach_direct: bool,
    settle: float = SETTLE_SECONDS,
    sleep: Sleep,
    tell: Tell = lambda _: None,
) -> Applied:
    """Carry the plan out, or on from where an earlier run with this journal stopped.

    `settle` is the seconds IAM gets to make what was done effective everywhere, counted from the
    journal's last change, whoever made it: before the first look, and before direct policies are
    removed. Access is verified before the first removal, between batches and at the end. Raises
    StraywatchError at the first step that cannot be made, with what to do; what was made stays and
    is in the journal.
    """
    if journal.entries:
        let_settle(journal, settle, sleep, tell)
    now = read()
    refuse_if_changed(plan, now, journal)
    refuse_if_harmful(plan)
    _settle_accounts(journal, now)
    grants, removals = grant_steps(plan), removal_steps(plan) if detach_direct else []
    runner = _Runner(journal, iam, sleep, tell, len(grants) + len(removals))
    runner.run(grants, now)
    if any(not is_done(step, now) for step in removals):
        let_settle(journal, settle, sleep, tell)
    for batch in _batches(removals):
        now = _await_access(plan, read, sleep, tell, without_direct=True)
        runner.run(batch, now)
    if runner.made:
        _settle_accounts(journal, _await_access(plan, read, sleep, tell, without_direct=False))
    journal.finish("apply")
    return Applied(runner.made, runner.already)


def _batches(removals: Sequence[Step]) -> Iterator[list[Step]]:
    """The steps of so many users at a time; all of one user's stay together."""
    users = list(dict.fromkeys(step.user for step in removals))
    for start in range(0, len(users), BATCH):
        batch = set(users[start : start + BATCH])
        yield [step for step in removals if step.user in batch]


def _settle_accounts(journal: Journal, now: Snapshot) -> None:
    """Find out whether the call before an interruption happened, and the ids of groups made."""
    for entry in journal.open_entries():
        unnamed = entry.step.kind == CREATE and not entry.group_id
        if (entry.done and not unnamed) or not is_done(entry.step, now):
            continue
        group = now.group(entry.step.group) if entry.step.kind == CREATE else None
        if group is not None and not entry.may_have_made(group):
            raise StraywatchError(f"group {group.name} was made by somebody else: make a new plan")
        found = entry.ended_at or entry.begun_at
        journal.confirm(entry, group.group_id if group else "", found)


def _await_access(
    plan: Plan, read: Read, sleep: Sleep, tell: Tell, *, without_direct: bool
) -> Snapshot:
    """Read until IAM shows every user allowed as intended, if so without their direct policies."""
    for pause in (*PATIENCE_SECONDS, 0.0):
        now = read()
        findings = [f for f in verify(plan, now, without_direct=without_direct) if not f.fine]
        if not findings:
            return now
        tell("waiting for IAM to show the groups")
        sleep(pause)
    problem = f"{findings[0].user}: {findings[0].words()}"
    if without_direct:
        raise StraywatchError(
            "direct policies that are not removed yet were left in place, as the groups do not "
            f"give the same: {problem}"
        )
    raise StraywatchError(
        f"the steps were made, but access is not as intended: {problem}. See `straywatch verify`; "
        "`straywatch undo` with the journal restores what was"
    )


class _Runner:
    """Makes steps one by one, journaling each before and after."""

    def __init__(
        self, journal: Journal, iam: IAMClient, sleep: Sleep, tell: Tell, total: int
    ) -> None:
        self.journal = journal
        self.iam = iam
        self.sleep = sleep
        self.tell = tell
        self.made = 0
        self.already = 0
        self._total = total
        self._begun = {entry.step.key for entry in journal.open_entries()}
        self._created: dict[str, str] = {}

    def run(self, steps: list[Step], now: Snapshot) -> None:
        for planned in steps:
            if is_done(planned, now):
                self.already += 1
                continue
            step = self._with_id(planned, now)
            self.tell(f"step {self.made + self.already + 1} of {self._total}: {step}")
            entry = self.journal.intend(step)
            try:
                group_id = self._perform(step)
            except FAILURES as error:
                raise self._stopped(entry, error) from error
            self.journal.confirm(entry, group_id)
            self.made += 1

    def _with_id(self, step: Step, now: Snapshot) -> Step:
        """The step with its group's id, which stays when the name changes."""
        group = now.group(step.group)
        return replace(
            step, group_id=group.group_id if group else self._created.get(step.group, "")
        )

    def _perform(self, step: Step) -> str:
        """Make the call, again while IAM does not know yet what was just made."""
        for pause in PATIENCE_SECONDS:
            try:
                return self._call(step)
            except ClientError as error:
                if code_of(error) != "NoSuchEntity" or step.group not in self._created:
                    raise
            self.sleep(pause)
        return self._call(step)

    def _call(self, step: Step) -> str:
        try:
            group_id = perform(self.iam, step)
        except ClientError as error:
            if not self._happened_before(step, code_of(error)):
                raise
            group_id = ""
        if step.kind == CREATE:
            self._created[step.group] = group_id
        return group_id

    def _happened_before(self, step: Step, code: str) -> bool:
        """The call before an interruption happened although the snapshot did not show it yet."""
        if step.key not in self._begun:
            return False
        return (step.kind == CREATE and code == "EntityAlreadyExists") or (
            step.kind in (DETACH, DELETE) and code == "NoSuchEntity"
        )

    def _stopped(self, entry: Entry, error: Failure) -> StraywatchError:
        why = words(error)
        self.journal.fail(entry, why, refused=is_refused(entry.step, error))
        number = self.made + self.already + 1
        return StraywatchError(
            f"stopped at step {number} of {self._total} ({one_line(entry.step)}): {why}. Fix "
            f"that and repeat the command to go on, or restore with `straywatch undo "
            f"{self.journal.path}`"
        )


def plan_digest(text: str) -> str:
    """What ties a journal to the plan it carries out: any edit makes another plan."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()
