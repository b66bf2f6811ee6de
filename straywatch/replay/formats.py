"""A replay's result for people, for programs and for a spreadsheet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from chalicelib.text import counted
from chalicelib.times import iso, spoken
from straywatch.replay.figures import Figures, would_alert
from straywatch.replay.history import ReplayTotals
from straywatch.replay.intake import Tally
from straywatch.replay.store import Store
from straywatch.replay.stretches import Ending, Stretch
from straywatch.terminal.tables import console, print_table, say, write_csv

SCHEMA = "straywatch.replay/1"

_ENDINGS = {
    Ending.DELETED: "deleted",
    Ending.REPLACED: "gone, unseen",
    Ending.LOG_ENDS: "goes on",
}
_BLIND = (
    "Users who were strays before the log begins and had no event since are not in it: "
    "`straywatch audit` shows those."
)


@dataclass(frozen=True)
class Replay:
    """All that a replay came to; the stretches lie in the store."""

    tally: Tally
    facts: ReplayTotals
    figures: tuple[Figures, ...]
    store: Store

    @property
    def graces(self) -> tuple[int, ...]:
        """The grace periods compared, in seconds."""
        return tuple(each.grace_seconds for each in self.figures)


def write(replay: Replay, form: str, limit: int) -> None:
    """Write the result to standard output; a table shows the `limit` longest stretches."""
    if form == "json":
        _write_json(replay, sys.stdout)
    elif form == "csv":
        _write_csv(replay, sys.stdout)
    else:
        _print(replay, limit)


def _write_json(replay: Replay, out: TextIO) -> None:
    """One object, written as it comes: there may be more stretches than memory holds."""
    head = {
        "schema": SCHEMA,
        "read": {key: value for key, value in asdict(replay.tally).items() if key != "spans"},
        "accounts": {
            account: {"first": first, "last": last}
            for account, (first, last) in sorted(replay.tally.spans.items())
        },
        "users": replay.facts.users,
        "flapping_alerts": replay.facts.flapping_alerts,
        "unknown": asdict(replay.facts.unknowns),
        "graces": [asdict(each) for each in replay.figures],
    }
    out.write(json.dumps(head, indent=2)[:-2] + ',\n  "stretches": [')
    separator = "\n    "
    for stretch in replay.store.stretches():
        out.write(separator + json.dumps(_plain(stretch, replay.graces)))
        separator = ",\n    "
    out.write("\n  ]\n}\n" if separator[0] == "," else "]\n}\n")


def _plain(stretch: Stretch, graces: tuple[int, ...]) -> dict[str, Any]:
    cause = stretch.cause
    return {
        "partition": stretch.account.partition,
        "account_id": stretch.account.account_id,
        "user_name": stretch.user_name,
        "user_id": stretch.user_id or None,
        "stray_since": iso(stretch.since),
        "until": iso(stretch.until) if stretch.is_over else None,
        "seconds": stretch.seconds,
        "ending": stretch.ending,
        "group": stretch.group or None,
        "certain": stretch.certain,
        "cause": None
        if cause is None
        else {
            "event_name": cause.event_name,
            "event_id": cause.event_id,
            "actor_arn": cause.actor_arn,
            "group_name": cause.group_name or None,
        },
        "alerts_at": [grace for grace in graces if would_alert(stretch, grace)],
    }


_CSV_COLUMNS = (
    "account_id", "user_name", "user_id", "stray_since", "until", "seconds", "ending", "group",
    "certain", "event_name", "actor_arn",
)  # fmt: skip


def _write_csv(replay: Replay, out: TextIO) -> None:
    columns = (*_CSV_COLUMNS, *(f"alert_at_{grace}s" for grace in replay.graces))
    write_csv(out, columns, _csv_rows(replay))


def _csv_rows(replay: Replay) -> Iterator[list[object]]:
    for stretch in replay.store.stretches():
        plain = _plain(stretch, replay.graces)
        cause = plain["cause"] or {}
        known = [plain.get(column, cause.get(column)) for column in _CSV_COLUMNS]
        yield [*known, *(int(grace in plain["alerts_at"]) for grace in replay.graces)]


def _print(replay: Replay, limit: int) -> None:
    out = console()
    for line in _about(replay.tally):
        say(out, line)
    rows = [_figures_row(each) for each in replay.figures]
    numbers = "alerts unsure users avoided undecided shortest median longest"
    print_table(out, ("grace", *numbers.split()), rows, numbers=numbers)
    total = replay.store.ask("SELECT COUNT(*) FROM stretches")[0]
    shown = replay.store.stretches(longest_first=True, limit=limit)
    if total and limit:
        say(out, f"Stretches in no group, the longest of {total:,} first:", "bold")
        columns = ("user", "account", "since", "lasted", "ended", "by")
        print_table(out, columns, map(_stretch_row, shown))
    for line in _caveats(replay, total):
        say(out, line)


def _about(tally: Tally) -> Iterator[str]:
    yield (
        f"Read {counted(tally.records, 'record')} from {counted(tally.sources, 'source')}: "
        f"{counted(tally.events, 'event')} of memberships in "
        f"{counted(len(tally.spans), 'account')}."
    )
    if tally.spans:
        first = min(span[0] for span in tally.spans.values())
        last = max(span[1] for span in tally.spans.values())
        yield f"The log reaches from {first} to {last}."
    left_out = (
        (tally.others, "other event"),
        (tally.failed_calls, "failed call"),
        (tally.duplicates, "duplicate"),
        (tally.malformed, "malformed piece"),
        (tally.broken, "source not read to its end", "sources not read to their end"),
    )
    told = ", ".join(counted(*each) for each in left_out if each[0])
    yield f"Left out: {told or 'nothing'}."


def _figures_row(each: Figures) -> tuple[object, ...]:
    lengths = (each.shortest_seconds, each.median_seconds, each.longest_seconds)
    return (
        spoken(each.grace_seconds), f"{each.alerts:,}", f"{each.unsure:,}", f"{each.users:,}",
        f"{each.avoided:,}", f"{each.undecided:,}",
        *("-" if length is None else spoken(length) for length in lengths),
    )  # fmt: skip


def _stretch_row(stretch: Stretch) -> tuple[object, ...]:
    lasted = spoken(stretch.seconds)
    if not stretch.certain:
        lasted = f"at most {lasted}"
    elif not stretch.is_over:
        lasted = f"{lasted} so far"
    ended = _ENDINGS.get(stretch.ending, f"joined {stretch.group}")
    by = stretch.cause.event_name if stretch.cause else ""
    return (
        stretch.user_name, stretch.account.account_id, iso(stretch.since), lasted, ended, by,
    )  # fmt: skip


def _caveats(replay: Replay, total: int) -> Iterator[str]:
    """What the figures mean, and what nobody can know from this log."""
    unknown, flapping = replay.facts.unknowns, replay.facts.flapping_alerts
    if total:
        yield (
            "alerts: would have been sent. unsure: of these, the user may have been in groups "
            "that the log does not show. avoided: over before the grace was. undecided: the log "
            "ends before the grace does. Lengths are of the stretches that alert."
        )
    if unknown.older_users:
        yield (
            f"{counted(unknown.older_users, 'user')} older than the log: which groups they were "
            "in before their first event is unknown, so the one they left may not be their last."
        )
    if unknown.refuted:
        yield (
            f"{counted(unknown.refuted, 'stretch', 'stretches')} left out: a later removal shows "
            "that the user was still in a group."
        )
    if unknown.gaps:
        yield f"{counted(unknown.gaps, 'event')} missing from the log, as later ones show."
    if flapping:
        yield f"{counted(flapping, 'alert')} about users who kept leaving and joining in a day."
    yield _BLIND
