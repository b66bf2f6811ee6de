"""Promise 3: no alert before one unbroken grace, as far as the events that came can tell."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.kernel import SECOND
from tests.simulation.oracle.facts import Facts, Finding, Violation, told

_TURNS = ("CreateUser", "RemoveUserFromGroup", "AddUserToGroup")


def judge(facts: Facts) -> Iterator[Violation]:
    """Every finding that was opened too early, or whose beginning is told wrongly."""
    for finding in facts.findings.values():
        if finding.opened:
            yield from _too_early(facts, finding)


def _too_early(facts: Facts, finding: Finding) -> Iterator[Violation]:
    opened_at = told(finding.opened[0].finding["opened_at"])
    since = _latest_known_turn(facts, finding)
    if opened_at < since + facts.grace:
        text = f"{finding.finding_id} opened {(opened_at - since) / SECOND:.0f} s after {since}"
        yield Violation(3, finding.decided_at, text)
    stray_since = told(finding.opened[0].finding["stray_since"])
    if opened_at < stray_since + facts.grace - SECOND:
        yield Violation(3, finding.decided_at, f"{finding.finding_id} contradicts itself")


def _latest_known_turn(facts: Facts, finding: Finding) -> int:
    """The last moment at which events, or the creation date, tell the user was no stray."""
    first = facts.truth.users[finding.user_id][0][0]
    turns = [first // SECOND * SECOND]
    turns += [
        event.told_at
        for event in facts.known(finding.user_id, finding.decided_by.started)
        if event.change in _TURNS
    ]
    return max(turns)
