"""Promise 8: what comes from an account or a partition that is not watched leads to nothing."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.iam import ACCOUNT_ID
from tests.simulation.journal import Published
from tests.simulation.oracle.facts import Facts, Violation


def judge(facts: Facts) -> Iterator[Violation]:
    """Alerts about others, alerts that rest on others' calls, and whatever is kept of others."""
    for message in facts.journal.published:
        fault = _fault(facts, message)
        if fault:
            yield Violation(8, message.at, f"{message.type}: {fault}")
    for kept in facts.journal.kept_of_others:
        yield Violation(8, facts.end, f"{kept} is about an account that is not watched")
    for event_id in sorted(facts.journal.foreign - facts.journal.taken.keys()):
        if facts.delivered(event_id):
            yield Violation(8, facts.end, f"{event_id} was made elsewhere, and is not ignored")


def _fault(facts: Facts, message: Published) -> str:
    finding = message.finding
    if finding and (finding["account_id"], finding["partition"]) != (ACCOUNT_ID, "aws"):
        return f"{finding['id']} is of an account that is not watched"
    cause = message.body["cause"]
    if cause and cause["event_id"] in facts.journal.foreign:
        return f"{finding['id']} rests on {cause['event_id']}, which was made elsewhere"
    return ""
