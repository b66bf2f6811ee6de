"""Take back what a journal says was done, latest first, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from straywatch.errors import StraywatchError, WrongUsageError, explain
from straywatch.remediation.applying.journal import Entry, Journal
from straywatch.remediation.applying.steps import (
    ADD,
    ATTACH,
    CREATE,
    DELETE,
    DETACH,
    PUT,
    Step,
    is_done,
    take_back,
)
from straywatch.remediation.policies.documents import canonical
from straywatch.remediation.reading.snapshot import Group, Snapshot
from straywatch.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

SETTLE_SECONDS = 10.0
"""IAM is eventually consistent: so long a removal may take until a snapshot shows it."""


@dataclass
class Undone:
    """How many steps were taken back, and which could not be without harming what others did."""

    taken_back: int = 0
    left: list[str] = field(default_factory=list)


def undo_journal(
    journal: Journal,
    iam: IAMClient,
    read: Callable[[], Snapshot],
    sleep: Callable[[float], None],
    tell: Callable[[str], None] = lambda _: None,
) -> Undone:
    """Restore the account to what it was before the journal's first step; resumable.

    Direct policies come back first, so that nobody loses access in between. Raises
    WrongUsageError for another account, StraywatchError at the first call that fails.
    """
    now = read()
    if now.account != journal.account:
        raise WrongUsageError(
            f"the journal is of account {journal.account.account_id}, these credentials are for "
            f"{now.account.account_id}"
        )
    now = _settle(journal, now, read, sleep)
    result = Undone()
    entries = journal.open_entries()
    kept = _groups_to_keep(journal, entries, now)
    for number, entry in enumerate(entries, 1):
        obstacle = _obstacle(entry, now, kept)
        if obstacle:
            result.left.append(f"{one_line(entry.step)}: {obstacle}")
            continue
        tell(f"undoing {number} of {len(entries)}: {entry.step}")
        journal.undoing(entry)
        _take_back(journal, iam, entry)
        result.taken_back += 1
    if not result.left:
        journal.finish("undo")
    return result


def _settle(
    journal: Journal, now: Snapshot, read: Callable[[], Snapshot], sleep: Callable[[float], None]
) -> Snapshot:
    """Find out whether a removal that was cut off had happened; what had not is not repaired."""
    doubtful = [
        entry
        for entry in journal.open_entries()
        if not entry.done and entry.step.kind in (DETACH, DELETE) and not is_done(entry.step, now)
    ]
    if not doubtful:
        return now
    sleep(SETTLE_SECONDS)
    now = read()
    for entry in doubtful:
        if not is_done(entry.step, now):
            journal.undoing(entry)
            journal.undone(entry, "it had not happened")
    return now


def _take_back(journal: Journal, iam: IAMClient, entry: Entry) -> None:
    try:
        take_back(iam, entry.step)
    except ClientError as error:
        if not _nothing_there(entry.step, error):
            raise _stopped(journal, entry, error) from error
        journal.undone(entry, "there was nothing to take back")
        return
    except BotoCoreError as error:
        raise _stopped(journal, entry, error) from error
    journal.undone(entry)


def _nothing_there(step: Step, error: ClientError) -> bool:
    gone = error.response.get("Error", {}).get("Code") == "NoSuchEntity"
    return gone and step.kind in (CREATE, ATTACH, PUT, ADD)


def _stopped(journal: Journal, entry: Entry, error: ClientError | BotoCoreError) -> StraywatchError:
    return StraywatchError(
        f"undoing stopped at {one_line(entry.step)}: {explain(error)}. Mend that and repeat "
        f"`straywatch undo {journal.path}`"
    )


def _groups_to_keep(journal: Journal, entries: list[Entry], now: Snapshot) -> dict[str, str]:
    """Groups this journal made that others use or changed since, and why they are kept."""
    kept: dict[str, str] = {}
    for entry in entries:
        group = now.group(entry.step.group)
        if entry.step.kind == CREATE and group is not None:
            reason = _foreign(journal, entry, group, now)
            if reason:
                kept[group.name.lower()] = reason
    return kept


def _foreign(journal: Journal, entry: Entry, group: Group, now: Snapshot) -> str:
    if not entry.may_have_made(group):
        return "it was made by somebody else"
    steps = [e.step for e in journal.entries if e.step.group.lower() == group.name.lower()]
    added = {step.user_id for step in steps if step.kind == ADD}
    others = [
        user.name
        for user in now.users
        if group.name.lower() in map(str.lower, user.groups or ()) and user.user_id not in added
    ]
    attached = {step.policy for step in steps if step.kind == ATTACH}
    written = {step.policy: canonical(step.document) for step in steps if step.kind == PUT}
    foreign = set(group.attached_policies) - attached
    foreign |= {
        name
        for name, document in group.inline_policies.items()
        if written.get(name) != canonical(document)
    }
    if others:
        return f"{others[0]} joined it since"
    return f"somebody changed its policy {min(foreign)}" if foreign else ""


def _obstacle(entry: Entry, now: Snapshot, kept: dict[str, str]) -> str:
    """Why a step must not be taken back; empty if it may."""
    step = entry.step
    if step.kind in (CREATE, ATTACH, PUT):
        return kept.get(step.group.lower(), "")
    user = now.user(step.user)
    if user is None:
        return "the user is gone" if step.kind in (DETACH, DELETE) else ""
    if user.user_id != step.user_id:
        return "the user was deleted and made again"
    if step.kind == DELETE:
        current = user.inline_policies.get(step.policy)
        if current is not None and canonical(current) != canonical(step.document):
            return "the user has another policy of that name by now"
    return ""
