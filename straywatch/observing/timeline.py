"""What happened, in order: events that came, checks that looked, alerts, and how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Reason, Resolution, Status
from chalicelib.domain.marks import Evidence, Mark
from chalicelib.messages.actors import actor, deed
from chalicelib.times import iso
from straywatch.observing.records import Reading, SweepRecord


class EntryKind(StrEnum):
    """What sort of thing happened."""

    EVENT = "event"
    CHECK = "check"
    ALERT = "alert"
    RESOLVE = "resolve"
    SWEEP = "sweep"


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """One thing that happened, about one user or, where `user_name` is empty, about all."""

    at: datetime
    kind: EntryKind
    user_name: str
    text: str
    finding_id: str = ""


def timeline(reading: Reading, account: Account) -> tuple[Happening, ...]:
    """All that the tables still tell of, the newest first."""
    found = {
        *(each for mark in reading.marks for each in _of_mark(mark, account)),
        *(each for finding in reading.findings for each in life(finding)),
        *map(_of_sweep, _worth_telling(reading.sweeps)),
    }
    told = {(h.at, h.user_name) for h in found if h.kind is EntryKind.EVENT and h.finding_id}
    return tuple(sorted((h for h in found if not _is_repeated(h, told)), key=_order, reverse=True))


def life(finding: Finding) -> Iterator[Happening]:
    """The finding's whole life, oldest first, as far as it is recorded."""
    name, finding_id = finding.user_name, finding.finding_id
    began = EntryKind.EVENT if finding.cause else EntryKind.CHECK
    yield Happening(finding.stray_since, began, name, _beginning(finding), finding_id)
    by = "a sweep" if finding.detected_by == "sweep" else "the check"
    said = f"{by} found it in no group; alert opened, {finding.severity.name}"
    yield Happening(finding.opened_at, EntryKind.ALERT, name, said, finding_id)
    if finding.escalated_at:
        yield Happening(finding.escalated_at, EntryKind.ALERT, name, "alert escalated", finding_id)
    if finding.reminders and finding.alerted_at and finding.alerted_at != finding.escalated_at:
        times = "once" if finding.reminders == 1 else f"{finding.reminders} times"
        yield Happening(finding.alerted_at, EntryKind.ALERT, name, f"reminded {times}", finding_id)
    if finding.status is Status.RESOLVED and finding.resolved_at and finding.resolution:
        said = f"resolved: {because(finding.resolution)}"
        yield Happening(finding.resolved_at, EntryKind.RESOLVE, name, said, finding_id)


def because(resolution: Resolution) -> str:
    """Why a finding is over, in words."""
    match resolution.reason:
        case Reason.JOINED_GROUP:
            return f"joined {', '.join(resolution.groups) or 'a group'}"
        case Reason.DELETED:
            return "deleted"
        case Reason.EXEMPTED:
            until = resolution.exempted_until
            end = f"until {iso(until)}" if until else "without an end"
            return f"exempt by {resolution.exempted_by}, {end}"


_BEGINNINGS = {
    Evidence.EVENT: "left its last group",
    Evidence.CREATION: "created without a group; no event told of it",
    Evidence.EXEMPTION_ENDED: "its exemption ended",
    Evidence.SIGHTING: "first seen in no group; no event told of it",
}


def _beginning(finding: Finding) -> str:
    if finding.cause is None:
        return _BEGINNINGS[finding.evidence]
    return f"{deed(finding.cause)} by {actor(finding.cause, finding.account)}"


def _of_mark(mark: Mark, account: Account) -> Iterator[Happening]:
    name = mark.user_name
    for left in mark.lefts:
        if mark.cause and left == mark.left_at:
            text = f"{deed(mark.cause)} by {actor(mark.cause, account)}"
        else:
            text = "created, or left a group"
        yield Happening(left, EntryKind.EVENT, name, text)
    for joined in mark.joins:
        group = f" {mark.joined_group}" if joined == mark.joined_at else " a group"
        yield Happening(joined, EntryKind.EVENT, name, f"joined{group}")
    if mark.deleted_at:
        yield Happening(mark.deleted_at, EntryKind.EVENT, name, "deleted")
    if mark.renamed_at:
        text = f"renamed to {mark.renamed_to}" if mark.renamed_to else "renamed"
        yield Happening(mark.renamed_at, EntryKind.EVENT, name, text)
    if mark.settled_at and mark.settled_at != mark.joined_at:
        yield Happening(mark.settled_at, EntryKind.CHECK, name, "looked at: no stray")


def _worth_telling(sweeps: Sequence[SweepRecord]) -> Iterator[SweepRecord]:
    """The last sweep, and those that did or noticed something."""
    for sweep in sweeps:
        if sweep is sweeps[-1] or sweep.opened or sweep.gone or sweep.missed_events:
            yield sweep


def _of_sweep(sweep: SweepRecord) -> Happening:
    strays = "1 stray" if sweep.strays == 1 else f"{sweep.strays:,} strays"
    users = "1 user" if sweep.users == 1 else f"{sweep.users:,} users"
    return Happening(sweep.finished_at, EntryKind.SWEEP, "", f"sweep of {users}: {strays}")


def _is_repeated(happening: Happening, told: Iterable[tuple[datetime, str]]) -> bool:
    """Whether a finding tells of the same event as this mark does, and more of it."""
    mine = (happening.at, happening.user_name)
    return happening.kind is EntryKind.EVENT and not happening.finding_id and mine in told


_RANKS = (EntryKind.SWEEP, EntryKind.EVENT, EntryKind.CHECK, EntryKind.ALERT, EntryKind.RESOLVE)


def _order(happening: Happening) -> tuple[datetime, int, str]:
    second = (
        happening.at.replace(microsecond=0) if happening.kind is EntryKind.EVENT else happening.at
    )
    return second, _RANKS.index(happening.kind), happening.user_name


RECENT = timedelta(minutes=10)
"""What a watcher who has just come is shown of the past."""
