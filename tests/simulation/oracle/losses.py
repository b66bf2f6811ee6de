"""Promise 7: nothing is lost; what failed is run again, and then all is well."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.oracle.facts import Facts, Violation


def judge(facts: Facts) -> Iterator[Violation]:
    """What lies about at the end, and what was delivered and never processed."""
    for left in facts.journal.left_over:
        yield Violation(7, facts.end, f"left over: {left}")
    delivered = {i.about for i in facts.journal.invocations}
    for event in facts.journal.events:
        if event.event_id in delivered and event.event_id not in facts.journal.taken:
            yield Violation(7, facts.end, f"{event.event_id} was delivered and never processed")
    for finding_id, (at, _) in facts.journal.recorded.items():
        if finding_id not in facts.findings:
            yield Violation(7, at, f"{finding_id} was stored and never told of")
