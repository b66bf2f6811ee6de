"""Promise 5: each `opened` is followed by one `resolved` that gives the right reason."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from tests.simulation.journal import Published
from tests.simulation.kernel import SECOND
from tests.simulation.oracle.facts import BELIEVED, CACHED, Facts, Finding, Violation, told


def judge(facts: Facts) -> Iterator[Violation]:
    """Findings that are closed wrongly, several times, or never."""
    for finding in facts.findings.values():
        if finding.resolved:
            yield from _closed(facts, finding)
        elif facts.truth.is_stray(finding.user_id, facts.end) is False:
            text = f"{finding.finding_id} is never resolved, though the user is no stray"
            yield Violation(5, facts.end, text)
    yield from _open_twice(facts)


def _closed(facts: Facts, finding: Finding) -> Iterator[Violation]:
    first = finding.resolved[0]
    if not finding.opened or finding.opened[0].at > first.at:
        yield Violation(5, first.at, f"{finding.finding_id} is resolved before it is opened")
    said = {str(m.finding["resolution"]) for m in finding.resolved}
    if len(said) > 1:
        yield Violation(5, first.at, f"{finding.finding_id} is resolved for several reasons")
    if not _is_true(facts, finding, first):
        text = f"{finding.finding_id} is resolved as {first.finding['resolution']}, which is not so"
        yield Violation(5, first.at, text)


def _is_true(facts: Facts, finding: Finding, message: Published) -> bool:
    """Whether the reason was so at some moment from the decision to open until the message.

    IAM's answers may be seconds old, and event times lack fractions.
    """
    resolution = message.finding["resolution"]
    start = finding.decided_at - facts.plan.iam_lag - CACHED
    if message.finding["evidence"] != "event":
        start -= SECOND
    moments = [m for m in _moments(facts, finding) if start <= m <= message.at] + [start]
    users = [(facts.truth.user(finding.user_id, m), m) for m in moments]
    match resolution["reason"]:
        case "joined_group":
            # an answer that was still about the former bearer of its name
            unclear = facts.plan.iam_lag > BELIEVED and len(moments) > 1
            unclear = unclear or facts.is_anybodys(finding.user_id, start, message.at)
            return unclear or any(u and set(resolution["groups"]) & set(u.groups) for u, _ in users)
        case "deleted":
            # an answer from before it was made, or that it slipped through under an old name
            unseen = facts.plan.iam_lag > BELIEVED and len(moments) > 1
            return unseen or any(u is None for u, m in users if m > start)
        case _:
            # as IAM shows it: by a name or a tag from before, where it lags beyond any bound
            lag = facts.plan.iam_lag if facts.plan.iam_lag > BELIEVED else 0
            # and it may have ended in the moment between the look and the reading of it
            return any(
                u and facts.truth.exempt_until(u, later) > later - SECOND
                for u, m in users
                for later in moments
                if later == m or m < later <= _last_shown(facts, finding, m) + lag
            )


def _moments(facts: Facts, finding: Finding) -> list[int]:
    """All moments at which anything about the user may have changed."""
    turns = {at for at, _ in facts.truth.users[finding.user_id]}
    return sorted(turns | {at for at, _ in facts.truth.configurations})


def _last_shown(facts: Facts, finding: Finding, at: int) -> int:
    """When what was so of the user at that moment ceased to be so."""
    turns = [turn for turn, _ in facts.truth.users[finding.user_id] if turn > at]
    return min(turns, default=facts.end)


def _open_twice(facts: Facts) -> Iterator[Violation]:
    """Two findings of one user that are open at once."""
    for user_id in facts.truth.users:
        findings = facts.of_user(user_id)
        for earlier, later in pairwise(findings):
            closed_at = (
                told(earlier.resolved[0].finding["resolved_at"]) if earlier.resolved else None
            )
            if closed_at is None or closed_at > later.decided_at:
                text = f"{earlier.finding_id} is open beside {later.finding_id}"
                yield Violation(5, later.decided_at, text)
