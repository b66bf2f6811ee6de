"""Promises 1, 4 and 5, of floods: nobody bad is muted, all are told of, what is over stays so."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Published
from tests.simulation.kernel import SECOND
from tests.simulation.oracle.facts import Facts, Finding, Violation

_BAD = ("HIGH", "CRITICAL")
_UNSEEN = 10 * SECOND
"""How long a finding that has just opened may be missing from the index that a digest reads."""


def judge(facts: Facts) -> Iterator[Violation]:
    """Somebody of whom people never learn, and floods that have no end, or end twice."""
    last: dict[str, Published] = {}
    for message in facts.journal.published:
        is_opening = message.type == "opened" and message.body["audience"] != "all"
        if is_opening and message.finding["severity"] in _BAD:
            yield Violation(4, message.at, f"{message.finding['id']} is muted, and bad")
        if message.type == "digest":
            digest = message.body["digest"]
            before = last.get(digest["id"])
            if before and digest["open"] and not before.body["digest"]["open"]:
                yield Violation(4, message.at, f"{digest['id']} opens again after its end")
            if digest["open"] + digest["told_singly"] > digest["announced"]:
                yield Violation(4, message.at, f"{digest['id']} accounts for too few")
            last[digest["id"]] = message
    floods = {id_: message for id_, message in last.items() if _is_flood(message)}
    for flood_id, message in floods.items():
        yield from _flood(facts, flood_id, message)
    for finding in facts.findings.values():
        if _is_muted(finding) and not any(m.at >= finding.decided_at for m in floods.values()):
            yield Violation(1, facts.end, f"{finding.finding_id} is muted, and in no digest")


def _flood(facts: Facts, flood_id: str, last: Published) -> Iterator[Violation]:
    """Whether the last digest of a flood accounts for all that opened in it, and ends it."""
    digest = last.body["digest"]
    members = [f for f in facts.findings.values() if facts.journal.crowds[f.finding_id] == flood_id]
    seen = [f for f in members if digest["open"] or f.decided_at < last.at - _UNSEEN]
    if len(seen) > digest["announced"]:
        text = f"{flood_id} accounts for {digest['announced']} of {len(seen)}"
        yield Violation(4, last.at, text)
    muted = [f for f in members if _is_muted(f)]
    if digest["open"] and muted and all(f.resolved for f in muted):
        yield Violation(5, facts.end, f"{flood_id} is over, and is not told to be")


def _is_flood(message: Published) -> bool:
    return str(message.body["digest"]["of"]) == "opened"


def _is_muted(finding: Finding) -> bool:
    return bool(finding.opened) and finding.opened[0].body["audience"] == "machines"
