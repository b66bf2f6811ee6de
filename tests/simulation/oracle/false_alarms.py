"""Promise 2: no alert for a user who, at the moment of decision, was no stray."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Event, Look
from tests.simulation.oracle.facts import (
    BELIEVED,
    CACHED,
    FRESH,
    GROUP_LOOKS,
    Facts,
    Finding,
    Violation,
)

_ENDING = ("AddUserToGroup", "DeleteUser")
_BEGINNING = ("CreateUser", "RemoveUserFromGroup")


def judge(facts: Facts) -> Iterator[Violation]:
    """Every finding whose decision IAM's answers, or the news that had come, do not bear out."""
    for finding in facts.findings.values():
        looks = facts.looks(finding)
        fault = _fault(facts, finding, looks) if looks else "IAM was not asked about the user"
        if fault:
            text = f"{finding.finding_id} decided by #{finding.decided_by.number}: {fault}"
            yield Violation(2, finding.decided_at, text)


def _fault(facts: Facts, finding: Finding, looks: list[Look]) -> str:
    user_id = finding.user_id
    deciding = [look for look in looks if look.operation in GROUP_LOOKS]
    if facts.is_mixed_up(finding):
        return ""
    if not deciding:
        return "IAM was not asked about the user's groups"
    shown = facts.truth.user(user_id, deciding[-1].view)
    if shown is None or shown.groups:
        return "the user was in a group, or gone"
    if not any(_not_exempt(facts, user_id, look) for look in looks):
        return "the user was exempt"
    if _is_old_news(facts, finding, deciding[-1]):
        return "the user had been no stray for long"
    news = _news(facts, finding, deciding[-1].at)
    if news:
        return f"{news.event_id} ({news.change}) had come, and IAM's answer was older"
    return ""


def _is_old_news(facts: Facts, finding: Finding, look: Look) -> bool:
    """Whether the user had ceased to be a stray, and any answer seconds old would have shown it.

    A worker that met trouble after its look may have waited for it.
    """
    oldest = finding.decided_at - FRESH
    hindered = [
        trouble
        for trouble in facts.journal.troubles
        if trouble.invocation is finding.decided_by and trouble.at >= look.at
    ]
    if hindered:
        oldest = min(oldest, look.at)
    oldest -= facts.plan.iam_lag + facts.plan.slow_pages
    moments = {oldest, *_moments(facts, finding.user_id, oldest, finding.decided_at)}
    users = (facts.truth.user(finding.user_id, at) for at in moments)
    return not any(user and not user.groups for user in users)


def _moments(facts: Facts, user_id: str, start: int, end: int) -> set[int]:
    return {at for at, _ in facts.truth.users[user_id] if start <= at <= end}


def _not_exempt(facts: Facts, user_id: str, look: Look) -> bool:
    """Whether the user was not exempt at some moment that the decision may have gone by."""
    oldest = look.at - CACHED
    if facts.truth.configuration(look.at).broken:
        # whoever read the last good one may have failed before it could keep it
        oldest = min([oldest, *(t.at for t in facts.journal.troubles)])
    turns = {at for at, _ in facts.truth.configurations if oldest <= at <= look.at}
    user = facts.truth.user(user_id, look.view)
    moments = turns | {look.view, look.at, oldest}
    return user is not None and any(not facts.truth.exempt(user, m) for m in moments)


def _news(facts: Facts, finding: Finding, looked_at: int) -> Event | None:
    """The event that had told, before the deciding look, that the user was no stray at it."""
    if facts.truth.is_stray(finding.user_id, looked_at):
        return None
    known = list(facts.known(finding.user_id, finding.decided_by.started))
    endings = [e for e in known if e.change in _ENDING and e.made_at <= looked_at]
    if not endings:
        return None
    last = endings[-1]
    if looked_at >= last.told_at + BELIEVED:
        return None  # either IAM lags beyond any bound, or what came later is untold
    # within one second the order of two events is not told, and what came later may be untold
    same_second = any(e.change in _BEGINNING and e.told_at >= last.told_at for e in known)
    versions = facts.truth.users[finding.user_id]
    overtaken = any(last.made_at < at <= looked_at for at, _ in versions)
    return None if same_second or overtaken else last
