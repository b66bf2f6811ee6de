"""What a redrive saw and did, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from chalicelib.text import counted
from chalicelib.times import iso, spoken
from straywatch.redrive.again import Inspected, Left, Redriven, Result
from straywatch.redrive.handling import RedriveSummary
from straywatch.redrive.letters import DeadLetter, LetterKind
from straywatch.terminal.tables import console, print_table, say
from straywatch.text import shorten

SCHEMA = "straywatch.redrive/1"


def tell(outcome: RedriveSummary, form: str, done: str, limit: int) -> None:
    """Write to standard output; `done` is what became of the letters that are out."""
    now = datetime.now(UTC)
    if form == "json":
        letters = [_plain(letter, result) for letter, result in outcome.handled]
        told = {"schema": SCHEMA, "letters": letters, "others": len(outcome.others)}
        click.echo(json.dumps(told, indent=2))
        return
    out = console()
    if outcome.handled:
        columns = ("id", "kind", "about", "age", "why it died", "now")
        rows = (_row(letter, result, now, done) for letter, result in outcome.handled)
        print_table(out, columns, rows)
    say(out, _summary(outcome, done))
    if outcome.seen >= limit:
        say(out, f"Stopped at --limit {limit}: more may wait.")


def _summary(outcome: RedriveSummary, done: str) -> str:
    if not outcome.seen:
        return "No dead letters."
    shown = sum(
        isinstance(result, Inspected) and letter.kind is not LetterKind.UNREADABLE
        for letter, result in outcome.handled
    )
    stay = len(outcome.left)
    parts = [f"{counted(outcome.done, 'letter')} {done}"] if outcome.done else []
    if stay:
        parts.append(f"{counted(stay, 'letter')} in the queue")
    advice = "; `straywatch redrive --yes` runs them again" if shown else ""
    return f"{', '.join(parts)}{advice}."


def _row(letter: DeadLetter, result: Result, now: datetime, done: str) -> tuple[object, ...]:
    age = spoken(max(0.0, (now - letter.sent_at).total_seconds()))
    state = "waits" if isinstance(result, Inspected) else done
    if isinstance(result, Left):
        state = f"stays: {result.why}"
    elif isinstance(result, Inspected) and letter.kind is LetterKind.UNREADABLE:
        state = "cannot be run again; --discard removes it"
    about, reason = shorten(letter.about), shorten(letter.reason)
    return letter.message_id, letter.kind, about, age, reason, state


def _plain(letter: DeadLetter, result: Result) -> dict[str, object]:
    return {
        "message_id": letter.message_id,
        "kind": letter.kind,
        "about": letter.about or None,
        "reason": letter.reason,
        "sent_at": iso(letter.sent_at),
        "function": letter.function or None,
        "payload": letter.payload,
        "removed": isinstance(result, Redriven),
        "stays_because": result.why if isinstance(result, Left) else None,
    }
