"""Apply a plan: give first, verify, then take away; every call journaled, every run resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from straywatch.errors import StraywatchError, WrongUsageError, explain
from straywatch.remediation.applying.changes import changes
from straywatch.remediation.applying.journal import Entry, Journal
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
Sleep = Callable[[float], None]
Tell = Callable[[str], None]

PATIENCE_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Waits for IAM, which is eventually consistent, to know what was just made."""

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
    found = changes(plan, now, lambda name: journal is not None and journal.owns(CREATE, name))
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
    settle: float,
    sleep: Sleep,
    tell: Tell = lambda _: None,
) -> Applied:
    """Carry the plan out, or on from where an earlier run with this journal stopped.

    `settle` is the seconds IAM gets to make the groups effective everywhere before direct
    policies are removed. Raises StraywatchError at the first step that cannot be made, with what
    to do; what was made stays and is in the journal.
    """
    now = read()
    refuse_if_changed(plan, now, journal)
    refuse_if_harmful(plan)
    _settle_accounts(journal, now)
    runner = _Runner(journal, iam, sleep, tell)
    runner.run(grant_steps(plan), now)
    removals = removal_steps(plan) if detach_direct else []
    if any(not is_done(step, now) for step in removals):
        now = _await_effect(plan, read, sleep, tell)
        if runner.made:
            tell(f"waiting {settle:g} s for IAM to make the groups effective everywhere")
            sleep(settle)
    runner.run(removals, now)
    journal.finish("apply")
    return Applied(runner.made, runner.already)


def _settle_accounts(journal: Journal, now: Snapshot) -> None:
    """Find out whether the call before an interruption happened."""
    for entry in journal.entries:
        if entry.done or not is_done(entry.step, now):
            continue
        group = now.group(entry.step.group) if entry.step.kind == CREATE else None
        if group is not None and not entry.may_have_made(group):
            raise StraywatchError(f"group {group.name} was made by somebody else: make a new plan")
        journal.confirm(entry, group.group_id if group else "")


def _await_effect(plan: Plan, read: Read, sleep: Sleep, tell: Tell) -> Snapshot:
    """Read until IAM shows every user allowed as intended without their direct policies."""
    problem = ""
    for pause in (*PATIENCE_SECONDS, 0.0):
        now = read()
        findings = [found for found in verify(plan, now, without_direct=True) if not found.fine]
        if not findings:
            return now
        problem = f"{findings[0].user}: {findings[0].words()}"
        tell("waiting for IAM to show the groups")
        sleep(pause)
    raise StraywatchError(
        f"direct policies were left in place, as the groups do not give the same: {problem}"
    )


class _Runner:
    """Makes steps one by one, journaling each before and after."""

    def __init__(self, journal: Journal, iam: IAMClient, sleep: Sleep, tell: Tell) -> None:
        self.journal = journal
        self.iam = iam
        self.sleep = sleep
        self.tell = tell
        self.made = 0
        self.already = 0
        self._begun = {entry.step.key for entry in journal.entries if not entry.done}
        self._created: set[str] = set()

    def run(self, steps: list[Step], now: Snapshot) -> None:
        for number, step in enumerate(steps, 1):
            if is_done(step, now):
                self.already += 1
                continue
            self.tell(f"step {number} of {len(steps)}: {step}")
            entry = self.journal.intend(step)
            try:
                group_id = self._perform(step)
            except (ClientError, BotoCoreError) as error:
                raise self._stopped(entry, number, len(steps), error) from error
            self.journal.confirm(entry, group_id)
            self.made += 1

    def _perform(self, step: Step) -> str:
        """Make the call, again while IAM does not know yet what was just made."""
        for pause in PATIENCE_SECONDS:
            try:
                return self._call(step)
            except ClientError as error:
                if _code(error) != "NoSuchEntity" or step.group not in self._created:
                    raise
            self.sleep(pause)
        return self._call(step)

    def _call(self, step: Step) -> str:
        try:
            group_id = perform(self.iam, step)
        except ClientError as error:
            if not self._happened_before(step, _code(error)):
                raise
            group_id = ""
        if step.kind == CREATE:
            self._created.add(step.group)
        return group_id

    def _happened_before(self, step: Step, code: str) -> bool:
        """The call before an interruption happened although the snapshot did not show it yet."""
        if step.key not in self._begun:
            return False
        return (step.kind == CREATE and code == "EntityAlreadyExists") or (
            step.kind in (DETACH, DELETE) and code == "NoSuchEntity"
        )

    def _stopped(
        self, entry: Entry, number: int, total: int, error: ClientError | BotoCoreError
    ) -> StraywatchError:
        why = explain(error)
        self.journal.fail(entry, why)
        return StraywatchError(
            f"stopped at step {number} of {total} ({one_line(entry.step)}): {why}. Mend that and "
            f"repeat the command to go on, or restore with `straywatch undo {self.journal.path}`"
        )


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def plan_digest(text: str) -> str:
    """What ties a journal to the plan it carries out: any edit makes another plan."""
    return hashlib.sha256(canonical(text).encode()).hexdigest()
