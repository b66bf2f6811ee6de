"""A finding's life as dated lines: how it began, its alerts, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.facts import Evidence
from chalicelib.domain.findings import Finding
from chalicelib.messages.actors import actor, deed
from chalicelib.messages.endings import in_full
from chalicelib.text import counted
from chalicelib.times import in_utc

_BEGINNINGS = {
    Evidence.EVENT: "left its last group",
    Evidence.CREATION: "created without a group; no event told of it",
    Evidence.EXEMPTION_ENDED: "its exemption ended",
    Evidence.SIGHTING: "first seen in no group; no event told of it",
}


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


def life(finding: Finding) -> Iterator[Happening]:
    """The finding's whole life, oldest first, as far as it is recorded."""
    for at, kind, text in _steps(finding):
        yield Happening(at, kind, finding.user_name, text, finding.finding_id)


def _steps(finding: Finding) -> Iterator[tuple[datetime, EntryKind, str]]:
    yield (
        finding.stray_since,
        EntryKind.EVENT if finding.cause else EntryKind.CHECK,
        _beginning(finding),
    )
    by = "a sweep" if finding.detected_by == "sweep" else "the check"
    found = f"{by} found it in no group; alert opened, {finding.severity.name}"
    yield finding.opened_at, EntryKind.ALERT, found
    yield from _followed_up(finding)
    if seen := finding.acknowledged:
        what = f"snoozed until {in_utc(seen.until)}" if seen.until else "acknowledged"
        yield seen.at, EntryKind.ALERT, f"{what} by {seen.by}: {seen.reason}"
    if finding.resolved_at:
        over = finding.resolution
        ended = in_full(over) if over else "why is not recorded"
        by = f"; by {actor(over.cause, finding.account)}" if over and over.cause else ""
        yield finding.resolved_at, EntryKind.RESOLVE, f"resolved: {ended}{by}"


def _followed_up(finding: Finding) -> Iterator[tuple[datetime, EntryKind, str]]:
    """The finding keeps how many reminders there were, and when the last alert was."""
    number = finding.reminders
    if finding.escalated_at:
        before = number and finding.alerted_at == finding.escalated_at
        after = f", after {counted(number, 'reminder')}" if before else ""
        yield finding.escalated_at, EntryKind.ALERT, f"alert escalated{after}"
    if number and finding.alerted_at and finding.alerted_at != finding.escalated_at:
        said = "reminded once" if number == 1 else f"last of {number} reminders"
        yield finding.alerted_at, EntryKind.ALERT, said


def _beginning(finding: Finding) -> str:
    if finding.cause is None:
        return _BEGINNINGS[finding.evidence]
    return f"{deed(finding.cause)} by {actor(finding.cause, finding.account)}"
