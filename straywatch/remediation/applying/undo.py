"""Take back what a journal says was done, user by user, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from chalicelib.adapters.iam_pages import FAILURES
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.remediation.applying.bearers import Bearers, holds
from straywatch.remediation.applying.entries import Entry
from straywatch.remediation.applying.journal import Journal
from straywatch.remediation.applying.refusals import (
    Failure,
    code_of,
    is_for_everybody,
    is_refused,
    words,
)
from straywatch.remediation.applying.settling import (
    PATIENCE_SECONDS,
    SETTLE_SECONDS,
    Sleep,
    Tell,
    let_settle,
)
from straywatch.remediation.applying.steps import (
    ADD,
    ATTACH,
    CREATE,
    DELETE,
    DETACH,
    PUT,
    take_back,
)
from straywatch.remediation.reading.snapshot import Snapshot
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

BATCH = 100
"""Users who leave their groups between two looks at the account."""


@dataclass
class Undone:
    """How many steps were taken back; and who and what was left as it is, and why."""

    taken_back: int = 0
    left: list[str] = field(default_factory=list)


def undo_journal(
    journal: Journal,
    iam: IAMClient,
    read: Callable[[], Snapshot],
    sleep: Sleep,
    tell: Tell = lambda _: None,
    *,
    settle: float = SETTLE_SECONDS,
) -> Undone:
    """Restore the account to what it was before the journal's first step; resumable.

    Direct policies come back first; then, once IAM had `settle` seconds and shows them, users
    leave the groups; then groups go that serve nobody else. Who cannot be restored whole keeps
    their groups, and these their policies; everybody else is gone on with. Raises WrongUsageError
    for another account, StraywatchError at the first call of which nobody knows whether it
    happened.
    """
    let_settle(journal, settle, sleep, tell)
    now = read()
    if now.account != journal.account:
        raise WrongUsageError(
            f"the journal is of account {journal.account.account_id}, these credentials are for "
            f"{now.account.account_id}"
        )
    undo = _Undo(journal, iam, read, sleep, tell)
    undo.forget_what_never_happened(now)
    undo.restore_policies(now)
    let_settle(journal, settle, sleep, tell)
    undo.leave_groups()
    undo.remove_groups()
    undo.look_again()
    if not undo.result.left:
        journal.finish("undo")
    return undo.result


class _Undo:
    """One run: what belongs to one user is judged together, and so is what makes one group."""

    def __init__(
        self,
        journal: Journal,
        iam: IAMClient,
        read: Callable[[], Snapshot],
        sleep: Sleep,
        tell: Tell,
    ) -> None:
        self.journal = journal
        self.iam = iam
        self.read = read
        self.sleep = sleep
        self.tell = tell
        self.result = Undone()
        self._kept: set[str] = set()
        self._left: set[tuple[str, str]] = set()
        self._put_back: list[Entry] = []

    def forget_what_never_happened(self, now: Snapshot) -> None:
        """Close removals that were cut off, and of which the account shows that none took place."""
        bearers = Bearers(self.journal, now)
        for entry in self._open(DETACH, DELETE):
            user = bearers.user(entry.step.user_id)
            if not entry.done and user is not None and holds(user, entry.step):
                self._close(entry, "it had not happened")

    def restore_policies(self, now: Snapshot) -> None:
        """Bring back the direct policies of each user who can have all of them again."""
        bearers = Bearers(self.journal, now)
        for user_id, entries in _by_user(self._open(DETACH, DELETE)).items():
            obstacles = filter(None, (bearers.obstacle(entry.step) for entry in entries))
            why = next(obstacles, "") or self._restore(entries, bearers)
            if why:
                self._keep(user_id, entries[0], why, bearers)

    def _restore(self, entries: list[Entry], bearers: Bearers) -> str:
        for entry in entries:
            why = self._take_back(entry, bearers)
            if why:
                return why
        return ""

    def leave_groups(self) -> None:
        """Take users out of the groups, a batch at a time, each after a look that shows them whole.

        Between two batches the account is looked at anew.
        """
        people = list(_by_user(self._open(ADD)).items())
        undone = [e for e in self.journal.entries if e.undone and e.step.kind in (DETACH, DELETE)]
        restored = _by_user(undone)
        for start in range(0, len(people), BATCH):
            batch = dict(people[start : start + BATCH])
            shown = {user_id: restored.get(user_id, []) for user_id in batch}
            bearers = self._look_for(shown)
            for user_id, joins in batch.items():
                if user_id not in self._kept:
                    self._leave(user_id, joins, shown[user_id], bearers)

    def _leave(
        self, user_id: str, joins: list[Entry], restored: list[Entry], bearers: Bearers
    ) -> None:
        user = bearers.user(user_id)
        why = (_not_shown(restored, bearers) or bearers.lacking(user, joins)) if user else ""
        for entry in joins:
            group = bearers.group(entry.step)
            if why:
                break
            if user is None or group is None:
                why = self._forget_membership(entry, bearers)
                continue
            why = self._take_back(entry, bearers)
            if not why:
                self._left.add((user_id, group.group_id))
        if why:
            self._keep(user_id, joins[0], why, bearers)

    def _forget_membership(self, entry: Entry, bearers: Bearers) -> str:
        if bearers.user(entry.step.user_id) is not None and bearers.is_lost(entry):
            return _LOST
        self._close(entry, "the user or the group is gone")
        return ""

    def remove_groups(self) -> None:
        """Remove the groups that were made, with their policies, unless they serve somebody."""
        entries = self._open(CREATE, ATTACH, PUT)
        if not entries:
            return
        bearers = Bearers(self.journal, self.read())
        for name, steps in _by_group(entries).items():
            why = self._remove(steps, bearers)
            if why:
                self.journal.kept(steps[0], why)
                group = bearers.group(steps[0].step)
                self.result.left.append(one_line(f"group {group.name if group else name}: {why}"))

    def _remove(self, entries: list[Entry], bearers: Bearers) -> str:
        """Take back all that made one group; say why if it has to stay."""
        group = bearers.group(entries[0].step)
        if group is None:
            if any(bearers.is_lost(entry) for entry in entries):
                return _LOST
            for entry in entries:
                self._close(entry, "the group is not there")
            return ""
        why = bearers.foreign(group, self._left)
        if why:
            return why
        return next(filter(None, (self._take_back(entry, bearers) for entry in entries)), "")

    def look_again(self) -> None:
        """See that in the end everybody restored holds what was put back."""
        if not self.result.taken_back:
            return
        restored = _by_user(self._put_back)
        bearers = self._look_for(restored)
        for user_id, entries in restored.items():
            why = "" if user_id in self._kept else _not_shown(entries, bearers)
            if why:
                self._keep(user_id, entries[0], why, bearers)

    def _look_for(self, restored: dict[str, list[Entry]]) -> Bearers:
        """Read the account until it shows what was put back, or patience is at its end."""
        wanted = [e for user_id, e in restored.items() if user_id not in self._kept]
        for pause in (*PATIENCE_SECONDS, 0.0):
            bearers = Bearers(self.journal, self.read())
            if not any(_not_shown(entries, bearers) for entries in wanted):
                break
            self.tell("waiting for IAM to show the direct policies")
            self.sleep(pause)
        return bearers

    def _open(self, *kinds: str) -> list[Entry]:
        return [e for e in self.journal.open_entries() if e.step.kind in kinds]

    def _take_back(self, entry: Entry, bearers: Bearers) -> str:
        """Reverse one step; say why if AWS refuses. Raises StraywatchError if nobody knows."""
        step = bearers.today(entry.step)
        self.tell(f"undoing: {step}")
        self.journal.undoing(entry)
        note = ""
        try:
            self._call(entry, bearers)
        except FAILURES as error:
            if not (code_of(error) == "NoSuchEntity" and step.kind not in (DETACH, DELETE)):
                return self._refused(entry, error)
            note = "there was nothing to take back"
        self.journal.undone(entry, note)
        self.result.taken_back += 1
        if step.kind in (DETACH, DELETE):
            self._put_back.append(entry)
        return ""

    def _call(self, entry: Entry, bearers: Bearers) -> None:
        """Make the call, again while IAM does not know yet that a group is empty."""
        step = bearers.today(entry.step)
        for pause in PATIENCE_SECONDS if step.kind == CREATE else ():
            try:
                return take_back(self.iam, step)
            except ClientError as error:
                if code_of(error) != "DeleteConflict":
                    raise
            self.sleep(pause)
        return take_back(self.iam, step)

    def _refused(self, entry: Entry, error: Failure) -> str:
        if is_refused(entry.step, error) and not is_for_everybody(error):
            return words(error)
        raise StraywatchError(
            f"undoing stopped at {one_line(entry.step)}: {words(error)}. Fix that and repeat "
            f"`straywatch undo {self.journal.path}`"
        ) from error

    def _keep(self, user_id: str, entry: Entry, why: str, bearers: Bearers) -> None:
        """Leave a user as they are, named with the reason and what they keep."""
        self._kept.add(user_id)
        self.journal.kept(entry, why)
        user = bearers.user(user_id)
        joins = [e for e in self._open(ADD) if e.step.user_id == user_id and bearers.has_joined(e)]
        groups = ", ".join(sorted(bearers.today(e.step).group for e in joins))
        keeps = f"; stays in {groups}" if groups else ""
        self.result.left.append(
            one_line(f"user {user.name if user else entry.step.user}: {why}{keeps}")
        )

    def _close(self, entry: Entry, note: str) -> None:
        self.journal.undoing(entry)
        self.journal.undone(entry, note)


def _not_shown(restored: list[Entry], bearers: Bearers) -> str:
    """Which direct policy of one user was put back and does not show; empty if all do."""
    for entry in restored:
        user = bearers.user(entry.step.user_id)
        if user is not None and not holds(user, entry.step):
            return f"{entry.step.policy} was put back and is not there"
    return ""


_LOST = "its group was renamed or deleted, and this journal of an earlier version lacks its id"


def _by_user(entries: list[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.step.user_id, []).append(entry)
    return found


def _by_group(entries: list[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.step.group.lower(), []).append(entry)
    return found
