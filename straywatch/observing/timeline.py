"""What happened, in order: events that came, checks that looked, alerts, and how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain

from chalicelib.domain.account import Account
from chalicelib.domain.facts import Fact, Kind, Mark
from chalicelib.messages.actors import actor, deed
from chalicelib.text import counted
from straywatch.findings.life import EntryKind, Happening, life
from straywatch.observing.records import Reading, SweepRecord


def timeline(reading: Reading, account: Account) -> tuple[Happening, ...]:
    """All that the tables still tell of, the newest first."""
    found = list(
        dict.fromkeys(
            chain(
                (each for mark in reading.marks for each in _of_mark(mark, account)),
                (each for finding in reading.findings for each in life(finding)),
                map(_of_sweep, _worth_telling(reading.sweeps)),
            )
        )
    )
    told = {(h.at, h.user_name) for h in found if h.kind is EntryKind.EVENT and h.finding_id}
    newest = (h for h in reversed(found) if not _is_repeated(h, told))
    return tuple(sorted(newest, key=_order, reverse=True))  # stable: a mark's facts are in order


_TOLD = {
    Kind.CREATED: "created",
    Kind.LEFT: "left a group",
    Kind.JOINED: "joined a group",
    Kind.DELETED: "deleted",
    Kind.RENAMED: "renamed",
    Kind.SETTLED: "looked at: no stray",
}


def _of_mark(mark: Mark, account: Account) -> Iterator[Happening]:
    for fact in mark.facts:
        if fact.kind in _TOLD:
            kind = EntryKind.CHECK if fact.kind is Kind.SETTLED else EntryKind.EVENT
            yield Happening(fact.at, kind, mark.user_name, _told(fact, account))


def _told(fact: Fact, account: Account) -> str:
    if fact.cause:
        return f"{deed(fact.cause)} by {actor(fact.cause, account)}"
    if fact.kind is Kind.JOINED and fact.name:
        return f"joined {fact.name}"
    return (
        f"renamed to {fact.name}" if fact.kind is Kind.RENAMED and fact.name else _TOLD[fact.kind]
    )


def _worth_telling(sweeps: Sequence[SweepRecord]) -> Iterator[SweepRecord]:
    """The last sweep, and those that did or noticed something."""
    for sweep in sweeps:
        if sweep is sweeps[-1] or sweep.opened or sweep.gone or sweep.missed_events:
            yield sweep


def _of_sweep(sweep: SweepRecord) -> Happening:
    told = f"sweep of {counted(sweep.users, 'user')}: {counted(sweep.strays, 'stray')}"
    return Happening(sweep.finished_at, EntryKind.SWEEP, "", told)


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
