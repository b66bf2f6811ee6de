"""Promise 6: a user is its id, whatever it is called, and whoever was called so before."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Published
from tests.simulation.oracle.facts import Facts, Finding, Violation


def judge(facts: Facts) -> Iterator[Violation]:
    """Alerts that mix up users, or name them wrongly."""
    for finding in facts.findings.values():
        for message in (*finding.opened, *finding.others, *finding.resolved):
            fault = _fault(facts, finding, message)
            if fault:
                yield Violation(6, message.at, f"{message.type} of {finding.finding_id}: {fault}")


def _took_a_name_unseen(facts: Facts, finding: Finding) -> bool:
    """Whether nobody had told of a rename when the finding was opened.

    What the new name did before may have been taken for the user's.
    """
    return any(
        e.change == "UpdateUser"
        and e.made_at <= finding.decided_at
        and not facts.taken_by(e, finding.decided_by.started)
        for e in facts.events_of(finding.user_id)
    )


def _fault(facts: Facts, finding: Finding, message: Published) -> str:
    if finding.user_id not in facts.truth.users:
        return "there is no user of this id"
    if str(message.finding["user_id"]) != finding.user_id:
        return "it is about another user than before"
    names = {user.name for _, user in facts.truth.users[finding.user_id] if user}
    if message.finding["user_name"] not in names:
        return f"the user was never called {message.finding['user_name']}"
    cause = message.body["cause"]
    if cause and not _took_a_name_unseen(facts, finding):
        own = {e.event_id for e in facts.events_of(finding.user_id)}
        if cause["event_id"] not in own:
            return f"its cause {cause['event_id']} was about another user"
    return ""
