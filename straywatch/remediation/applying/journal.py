"""What was done to the account, on disk before and after each call, so that it can be taken back.

One JSON object a line. The intent is on disk before the call is made, and its outcome after; a
process killed in between leaves an intent without outcome, which may or may not have happened.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from chalicelib.domain.account import Account
from straywatch.errors import StraywatchError, WrongUsageError
from straywatch.remediation.applying.entries import Entry
from straywatch.remediation.applying.steps import CREATE, Step

SCHEMA = "straywatch.journal/1"


@dataclass
class Journal:
    """An open journal, locked against a second process."""

    path: Path
    descriptor: int
    account: Account
    plan: str
    entries: list[Entry] = field(default_factory=list)
    undo_begun: bool = False
    undo_finished: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    @classmethod
    def begin(cls, path: Path, account: Account, plan: str) -> Self:
        """Open the journal of a plan, made anew if there is none yet.

        Raises WrongUsageError if the file is the journal of another plan, or was undone, and
        StraywatchError if another process works with it.
        """
        journal = cls._open(path, os.O_RDWR | os.O_CREAT)
        try:
            journal._start(account, plan)  # noqa: SLF001 - its own class
        except BaseException:
            journal.close()
            raise
        return journal

    def _start(self, account: Account, plan: str) -> None:
        if not self.plan:
            self.account, self.plan = account, plan
            head = {"journal": SCHEMA, "plan": plan}
            self._write(head | {"account": account.account_id, "partition": account.partition})
            _sync_directory(self.path)
        if self.plan != plan or self.account != account:
            raise WrongUsageError(f"{self.path} is the journal of another plan: choose --journal")
        if self.undo_begun:
            raise WrongUsageError(
                f"{self.path} was undone, wholly or in part: finish that with `straywatch undo "
                f"{self.path}`, then apply with another --journal"
            )

    @classmethod
    def resume(cls, path: Path) -> Self:
        """Open a journal to undo it. Raises WrongUsageError if the file is no journal."""
        if not path.is_file():
            raise WrongUsageError(
                f"{path} is no journal: `straywatch apply` names the one it keeps"
            )
        journal = cls._open(path, os.O_RDWR)
        if not journal.plan:
            journal.close()
            raise WrongUsageError(f"{path} is not a journal, or was cut before its first line")
        return journal

    @classmethod
    def _open(cls, path: Path, flags: int) -> Self:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            journal = cls(path, descriptor, Account("", ""), "")
            journal._read()
        except BlockingIOError as error:
            os.close(descriptor)
            raise StraywatchError(f"another process works with {path}: let it end") from error
        except BaseException:
            os.close(descriptor)
            raise
        return journal

    def _read(self) -> None:
        with os.fdopen(os.dup(self.descriptor), "rb") as stream:
            content = stream.read()
        whole = content.rfind(b"\n") + 1
        if whole != len(content):  # the process was killed while it wrote: the line never counted
            os.ftruncate(self.descriptor, whole)
        for number, line in enumerate(content[:whole].decode("utf-8").splitlines(), 1):
            try:
                self._take(json.loads(line))
            except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
                raise WrongUsageError(f"{self.path}:{number}: not a line of a journal") from error
        os.lseek(self.descriptor, 0, os.SEEK_END)

    def _take(self, line: dict[str, Any]) -> None:
        if "journal" in line:
            if line["journal"] != SCHEMA:
                raise ValueError(line["journal"])
            self.account = Account(line["partition"], line["account"])
            self.plan = line["plan"]
        elif "intent" in line:
            at = datetime.fromisoformat(line["at"])
            self.entries.append(Entry(line["n"], Step(**line["intent"]), begun_at=at))
        elif "done" in line:
            entry = self.entries[line["n"] - 1]
            entry.done, entry.group_id = True, line.get("group_id", "")
            entry.ended_at = _time(line) or entry.ended_at
        elif "failed" in line:
            entry = self.entries[line["n"] - 1]
            entry.refused, entry.ended_at = line.get("refused", False), _time(line)
        elif "undoing" in line:
            self.undo_begun = True
        elif "undone" in line:
            self._undone(self.entries[line["undone"] - 1], _time(line))
        elif line.get("finished") == "undo":
            self.undo_begun = self.undo_finished = True

    def intend(self, step: Step) -> Entry:
        """Put on disk that the step is about to be made."""
        entry = Entry(len(self.entries) + 1, step, begun_at=self.clock())
        at = entry.begun_at.isoformat()
        self._write({"n": entry.number, "at": at, "intent": step.to_data()})
        self.entries.append(entry)
        return entry

    def confirm(self, entry: Entry, group_id: str = "", at: datetime | None = None) -> None:
        """Put on disk that the step was made: now, or as was found out later, `at` that time."""
        entry.ended_at = at or self.clock()
        entry.done, entry.group_id = True, group_id
        line = {"n": entry.number, "done": True, "at": entry.ended_at.isoformat()}
        self._write(line | {"group_id": group_id})

    def fail(self, entry: Entry, why: str, *, refused: bool) -> None:
        """Put on disk why a step was not made; unless `refused`, it may have happened."""
        entry.refused, entry.ended_at = refused, self.clock()
        at = entry.ended_at.isoformat()
        self._write({"n": entry.number, "failed": why, "refused": refused, "at": at})

    def undoing(self, entry: Entry) -> None:
        """Put on disk that the step is about to be taken back."""
        self.undo_begun = True
        self._write({"undoing": entry.number})

    def undone(self, entry: Entry, note: str = "") -> None:
        """Put on disk that the step was taken back, or why there was nothing to take back."""
        now = self.clock()
        self._undone(entry, now)
        self._write({"undone": entry.number, "note": note, "at": now.isoformat()})

    def _undone(self, entry: Entry, at: datetime | None) -> None:
        # a step that was begun several times is taken back once, for all of them
        for same in self.entries:
            if same.step.key == entry.step.key:
                same.undone, same.undone_at = True, at

    def kept(self, entry: Entry, why: str) -> None:
        """Put on disk, for people, why a step was not taken back."""
        self._write({"kept": entry.number, "why": why, "at": self.clock().isoformat()})

    def finish(self, what: str) -> None:
        """Put on disk that the work, `apply` or `undo`, is complete."""
        self._write({"finished": what})

    def open_entries(self) -> list[Entry]:
        """Steps that may have happened and are not taken back: the latest first, each once."""
        found: dict[tuple[str, str, str, str], Entry] = {}
        for entry in self.entries:
            if not entry.undone and not entry.refused:
                earlier = found.pop(entry.step.key, None)
                if earlier is not None and not entry.group_id:
                    entry.group_id = earlier.group_id
                found[entry.step.key] = entry
        return list(reversed(found.values()))

    def created(self) -> dict[str, Entry]:
        """The steps that may have created groups, by the lower-case name given to the group."""
        found: dict[str, Entry] = {}
        for entry in self.entries:
            name = entry.step.group.lower()
            if entry.step.kind == CREATE and not entry.refused:
                found[name] = entry if entry.group_id else found.get(name, entry)
        return found

    @property
    def changed_at(self) -> datetime | None:
        """When the account may last have changed by this journal; None: never."""
        times = [entry.changed_at for entry in self.entries]
        return max((time for time in times if time is not None), default=None)

    def _write(self, line: dict[str, Any]) -> None:
        content = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        while content:
            content = content[os.write(self.descriptor, content) :]
        os.fsync(self.descriptor)

    def close(self) -> None:
        """Give up the lock."""
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _time(line: dict[str, Any]) -> datetime | None:
    """When a line was written; None in journals of versions that did not say."""
    return datetime.fromisoformat(line["at"]) if "at" in line else None


def _sync_directory(path: Path) -> None:
    """Make the new file's name survive a crash, too."""
    directory = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
