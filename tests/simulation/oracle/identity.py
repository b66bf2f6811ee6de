"""Promise 6: a user is its id, whatever it is called, and whoever was called so before."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Published
from tests.simulation.oracle.facts import BELIEVED, Facts, Finding, Violation


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


def _had_gone(facts: Facts, finding: Finding) -> bool:
    """Whether IAM, lagging beyond any bound, showed a user under a name that it bore no more.

    What the next bearer did may have been taken for its own.
    """
    bearers = (
        (facts.truth.user(finding.user_id, look.at - BELIEVED), look.name.lower())
        for look in facts.looks(finding)
        if look.name and facts.plan.iam_lag > BELIEVED
    )
    return any(user is None or user.name.lower() != name for user, name in bearers)


def _fault(facts: Facts, finding: Finding, message: Published) -> str:
    if finding.user_id not in facts.truth.users:
        return "there is no user of this id"
    if str(message.finding["user_id"]) != finding.user_id:
        return "it is about another user than before"
    names = {user.name for _, user in facts.truth.users[finding.user_id] if user}
    if message.finding["user_name"] not in names:
        return f"the user was never called {message.finding['user_name']}"
    cause = message.body["cause"]
    unsure = _took_a_name_unseen(facts, finding) or _had_gone(facts, finding)
    if cause and not unsure:
        own = {e.event_id for e in facts.events_of(finding.user_id)}
        if cause["event_id"] not in own:
            return f"its cause {cause['event_id']} was about another user"
    return ""
