"""Promise 4: one finding for each episode, and each alert once, unless a crash explains more."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Published
from tests.simulation.oracle.facts import BELIEVED, Facts, Finding, Violation
from tests.simulation.truth import Episode

Key = tuple[str, str, int]


def judge(facts: Facts) -> Iterator[Violation]:
    """Second findings for one episode, and repeats without an excuse."""
    for user_id in facts.truth.users:
        yield from _second_findings(facts, user_id)
    for finding in facts.findings.values():
        yield from _repeats(facts, finding)
        yield from _disorder(finding)


def _second_findings(facts: Facts, user_id: str) -> Iterator[Violation]:
    seen: dict[Episode, Finding] = {}
    for finding in facts.of_user(user_id):
        episodes = facts.episodes_of(finding)
        new = [episode for episode in episodes if episode not in seen]
        for episode in new[:1] or episodes[-1:]:
            first = seen.get(episode)
            if first and not _seemed_over(facts, episode, first, finding):
                ids = f"{finding.finding_id} and {first.finding_id}"
                yield Violation(4, finding.decided_at, f"{ids} are about one episode of {user_id}")
            seen[episode] = finding


def _seemed_over(facts: Facts, episode: Episode, first: Finding, second: Finding) -> bool:
    """Whether anything told of an end of the episode: IAM before its time, or somebody's event.

    Or IAM, for long, told of none after it.
    """
    if facts.is_misled(first.user_id, episode, first.decided_at, second.decided_at):
        return True
    if facts.is_anybodys(first.user_id, first.decided_at, second.decided_at):
        return True
    if facts.plan.iam_lag < BELIEVED:
        return False
    reasons = {m.finding["resolution"]["reason"] for m in first.resolved}
    is_late = episode.end is not None and second.decided_at >= episode.end + BELIEVED
    return is_late or "deleted" in reasons  # closure judges whether IAM may have shown that


def _repeats(facts: Facts, finding: Finding) -> Iterator[Violation]:
    first: dict[Key, list[Published]] = {}
    for message in (*finding.opened, *finding.others, *finding.resolved):
        key = (finding.finding_id, message.type, int(message.finding["reminders"]))
        earlier = first.setdefault(key, [])
        if earlier and not any(_went_wrong(facts, m) for m in earlier):
            text = f"{message.type} of {finding.finding_id} comes again, and nothing went wrong"
            yield Violation(4, message.at, text)
        earlier.append(message)


def _went_wrong(facts: Facts, message: Published) -> bool:
    """Whether the function that sent it met trouble before it could note that it had."""
    return any(
        trouble.invocation is message.invocation and trouble.at >= message.at - 10_000
        for trouble in facts.journal.troubles
    )


def _disorder(finding: Finding) -> Iterator[Violation]:
    """Nothing goes out on a finding that is over, and nothing before it is opened."""
    messages = sorted((*finding.opened, *finding.others, *finding.resolved), key=lambda m: m.at)
    if messages[0].type != "opened":
        yield Violation(4, messages[0].at, f"{finding.finding_id} begins with {messages[0].type}")
    escalations = {m.finding["reminders"] for m in finding.others if m.type == "escalated"}
    if len(escalations) > 1:
        yield Violation(4, messages[0].at, f"{finding.finding_id} is escalated more than once")
