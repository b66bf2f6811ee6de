"""The parts of the watch's picture as lines of text, each no wider than the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache

from rich.cells import cell_len
from rich.text import Text

from chalicelib.domain.findings import Finding, Status
from chalicelib.domain.severity import Severity
from chalicelib.messages.remedies import ways_out
from straywatch.findings.life import EntryKind, Happening, life
from straywatch.observing.graces import Grace
from straywatch.observing.moments import moment
from straywatch.text import visible
from straywatch.watching.fitting import NARROW, age, cut, fitted, indented, wrapped

_SHAPES = {
    Severity.CRITICAL: ("\u25c6", "CRIT", "bold white on red"),
    Severity.HIGH: ("\u25b2", "HIGH", "bold yellow"),
    Severity.MEDIUM: ("\u25a0", "MED", "cyan"),
    Severity.LOW: ("\u25cb", "LOW", "dim"),
}
_KINDS = {
    EntryKind.EVENT: ("\u25cf", "yellow"),
    EntryKind.ALERT: ("\u25b2", "bold red"),
    EntryKind.RESOLVE: ("\u2713", "green"),
}
_KIND_COLUMNS = 13
_WIDE_SEVERITY, _NARROW_SEVERITY = 11, 7


def stray_lines(
    strays: Sequence[Finding], now: datetime, width: int, *, headed: bool = False
) -> list[Text]:
    """Open findings: how bad by shape and word, who, for how long, and why it is bad."""
    longest = max((cell_len(visible(f.user_name)) for f in strays), default=0)
    wide = width >= NARROW
    room = min(longest, max(8, width * 2 // 5)) if wide else width - 19
    lines = []
    if headed and strays:
        name = fitted("USER", room)
        told = f"SEVERITY   {name}  NO GROUP FOR  RISK" if wide else f"BAD    {name}   IN NO GROUP"
        lines.append(Text(told[:width], style="dim"))
    for finding in strays:
        shape, word, style = _SHAPES[finding.severity]
        line = Text.assemble((f"{shape} {finding.severity.name if wide else word}", style))
        line.pad_right((_WIDE_SEVERITY if wide else _NARROW_SEVERITY) - line.cell_len)
        line.append(fitted(visible(finding.user_name), room), style="bold")
        line.append(f"{'  ' if wide else ''}{age(now - finding.stray_since):>12}")
        if wide:
            line.append(f"  {cut(visible(finding.risk), width - line.cell_len - 2)}", style="dim")
        lines.append(line)
    return lines


def is_chosen(line: Text, width: int) -> Text:
    """A stray's line, marked by colour and by a pointer before the name."""
    before = (_WIDE_SEVERITY if width >= NARROW else _NARROW_SEVERITY) - 1
    head, _, rest = line.divide([before, before + 1])
    return Text.assemble(head, "\u203a", rest, style="black on cyan")


def finding_lines(finding: Finding, now: datetime, width: int) -> list[Text]:
    """One finding: how bad and how long, either of two ways to end it, its life, ids last."""
    shape, _, style = _SHAPES[finding.severity]
    who = Text.assemble((f"{shape} {finding.severity.name}", style), "  ")
    told = [who.append(visible(finding.user_name), style="bold"), Text(visible(finding.risk))]
    since = f"since {moment(finding.stray_since, now)}"
    if finding.status is Status.OPEN:
        told.append(Text(f"In no group for {age(now - finding.stray_since)}, {since}."))
        for purpose, commands in ways_out(finding):
            told += [Text(), Text(purpose, style="bold"), *(Text(f"  {c}") for c in commands)]
    told += [Text(), Text("Its life", style="bold")]
    lines = [line for each in told for line in wrapped(each, width)]
    lines += log_lines((replace(each, user_name="") for each in life(finding)), now, width)
    ids = [
        Text(),
        *(Text(each, style="dim") for each in (visible(finding.user_arn), finding.finding_id)),
    ]
    return lines + [line for each in ids for line in wrapped(each, width)]


def grace_lines(graces: Sequence[Grace], now: datetime, width: int) -> list[Text]:
    """Graces as bars that run down, with the time that is left."""
    longest = max((cell_len(visible(g.user_name)) for g in graces), default=0)
    room = min(longest, width * 2 // 5)
    bar = max(6, min(40, width - room - 18))
    lines = []
    for grace in graces:
        left, whole = grace.due - now, grace.due - grace.since
        share = min(1.0, max(0.0, left / whole)) if whole else 0.0
        full = round(share * bar)
        line = Text.assemble(fitted(visible(grace.user_name), room), "  ")
        line.append("\u2501" * full, style="yellow").append("\u2500" * (bar - full), style="dim")
        line.append(f"  {_countdown(left)}", style="bold yellow" if left > timedelta() else "red")
        lines.append(line)
    return lines


def log_lines(happened: Iterable[Happening], now: datetime, width: int) -> list[Text]:
    """What happened, whole: a long one goes on below itself."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return [line for each in happened for line in _entry(each, midnight, width)]


@lru_cache(maxsize=4096)
def _entry(happening: Happening, today: datetime, width: int) -> tuple[Text, ...]:
    at = moment(happening.at, today)
    shape, style = _KINDS.get(happening.kind, ("\u25cb", "dim"))
    head = Text.assemble((at, "dim"), "  ", (f"{shape} {happening.kind}", style))
    who = visible(happening.user_name)
    said = Text.assemble((who, "bold"), " " if who else "", visible(happening.text))
    if width < NARROW:
        return (head, *(indented(line, 2) for line in wrapped(said, width - 2)))
    by = len(at) + _KIND_COLUMNS
    head.pad_right(by - head.cell_len)
    first, *others = wrapped(said, width - by)
    return (head.append_text(first), *(indented(line, by) for line in others))


def _countdown(left: timedelta) -> str:
    seconds = -int(-left.total_seconds() // 1)
    if seconds <= 0:
        return "being checked"
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
