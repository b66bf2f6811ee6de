"""How long IAM, which is eventually consistent, needs yet before a look can be relied on."""

from __future__ import annotations

from collections.abc import Callable

from straywatch.remediation.applying.journal import Journal

Sleep = Callable[[float], None]
Tell = Callable[[str], None]

SETTLE_SECONDS = 10.0
"""What IAM gets to make a change effective: about 2 s as a rule; AWS names no bound."""

PATIENCE_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""Waits for IAM to know what was made, where a look does not show it yet."""


def seconds_left(journal: Journal, settle: float) -> float:
    """How much of `settle` seconds is left since the journal's last change, whoever made it.

    All of it where the journal knows of no change: then others made what is there, nobody knows
    when. A clock that went back counts as no time at all.
    """
    changed = journal.changed_at
    if changed is None:
        return settle
    passed = (journal.clock() - changed).total_seconds()
    return min(settle, max(0.0, settle - passed))


def let_settle(journal: Journal, settle: float, sleep: Sleep, tell: Tell) -> None:
    """Wait until `settle` seconds have passed since the journal's last change."""
    seconds = seconds_left(journal, settle)
    if seconds > 0:
        tell(f"waiting {seconds:.1f} s for IAM to make what was done effective everywhere")
        sleep(seconds)
