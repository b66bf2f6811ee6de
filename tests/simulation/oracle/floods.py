"""Promise 4, of floods: nobody bad is muted, and what is told to be over stays over."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.oracle.facts import Facts, Violation

_BAD = ("HIGH", "CRITICAL")


def judge(facts: Facts) -> Iterator[Violation]:
    """Somebody bad whom a digest alone tells of, and a flood that opens again after its end."""
    over: set[str] = set()
    for message in facts.journal.published:
        is_opening = message.type == "opened" and message.body["audience"] != "all"
        if is_opening and message.finding["severity"] in _BAD:
            yield Violation(4, message.at, f"{message.finding['id']} is muted, and bad")
        if message.type == "digest":
            digest = message.body["digest"]
            if digest["open"] and digest["id"] in over:
                yield Violation(4, message.at, f"{digest['id']} opens again after its end")
            if digest["open"] + digest["told_singly"] > digest["announced"]:
                yield Violation(4, message.at, f"{digest['id']} accounts for too few")
            over |= set() if digest["open"] else {digest["id"]}
