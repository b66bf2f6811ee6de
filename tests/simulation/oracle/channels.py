"""Promises 4, 5 and 7, of channels: each incident opens once and closes once, and nothing is lost.

What was told to be sent was taken by its receiver. A trigger that is on its way as its finding ends
may open an incident anew, for seconds: PagerDuty cannot be asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.simulation.journal import Page, Published
from tests.simulation.kernel import SECOND
from tests.simulation.oracle.facts import Facts, Finding, Violation, told
from tests.simulation.receivers import BUS, CHAT, PAGER, PAGES
from tests.simulation.records import arn_of_alarm

_ON_ITS_WAY = 30 * SECOND
Incident = tuple[int, int | None]
"""When it opened, and when it closed."""


def judge(facts: Facts) -> Iterator[Violation]:
    """What receivers never got, and incidents that nobody needs, or that nothing closes."""
    if not facts.plan.channels:
        return
    incidents = _incidents(facts.journal.pages)
    yield from _unsent(facts)
    for finding in facts.findings.values():
        yield from _of_finding(facts, finding, incidents.get(finding.finding_id, []))
        state = facts.journal.imported.get(finding.finding_id)
        if state != ("PASSED" if finding.resolved else "FAILED"):
            text = f"{finding.finding_id} is {state} in Security Hub, and no more so"
            yield Violation(7, facts.end, text)
    yield from _of_floods(facts, incidents)
    yield from _of_alarms(facts, incidents)


def _incidents(pages: list[Page]) -> Mapping[str, list[Incident]]:
    """The incidents of each key, as PagerDuty has them."""
    found: dict[str, list[Incident]] = {}
    for page in pages:
        known = found.setdefault(page.key, [])
        is_open = bool(known) and known[-1][1] is None
        if page.action == "trigger" and not is_open:
            known.append((page.at, None))
        elif page.action == "resolve" and is_open:
            known[-1] = (known[-1][0], page.at)
    return found


def _is_open(incidents: list[Incident]) -> bool:
    return bool(incidents) and incidents[-1][1] is None


def _unsent(facts: Facts) -> Iterator[Violation]:
    for about in facts.journal.handed_over:
        if about not in facts.journal.taken:
            yield Violation(7, facts.end, f"{about} was never done")
        elif about.startswith((CHAT, BUS)) and about not in facts.journal.carried:
            yield Violation(7, facts.end, f"{about} counts as sent, and was not")


def _of_finding(facts: Facts, finding: Finding, incidents: list[Incident]) -> Iterator[Violation]:
    paged = [m for m in (*finding.opened, *finding.others) if _pages(m)]
    if incidents and not paged:
        yield Violation(2, incidents[0][0], f"{finding.finding_id} wakes somebody for nobody bad")
    if not finding.resolved:
        if paged and not _is_open(incidents):
            yield Violation(
                7, facts.end, f"{finding.finding_id} is open and bad, and no incident is"
            )
        return
    if _is_open(incidents):
        yield Violation(5, facts.end, f"the incident of {finding.finding_id} is never closed")
    over_at = told(finding.resolved[0].finding["resolved_at"])
    if paged and not incidents and facts.deadline(paged[0].at) < over_at:
        yield Violation(7, over_at, f"{finding.finding_id} stood for long and woke nobody")
    for opened_at, closed_at in incidents:
        if opened_at > max(over_at, finding.resolved[0].at) + _ON_ITS_WAY:
            yield Violation(4, opened_at, f"{finding.finding_id} wakes somebody after its end")
        if closed_at is not None and closed_at < over_at - SECOND:
            yield Violation(5, closed_at, f"the incident of {finding.finding_id} closes too early")


def _pages(message: Published) -> bool:
    kinds, audience = ("opened", "escalated"), message.body["audience"]
    severe = message.finding["severity"] in PAGES
    return message.type in kinds and audience != "machines" and severe


def _of_floods(facts: Facts, incidents: Mapping[str, list[Incident]]) -> Iterator[Violation]:
    last: dict[str, Published] = {}
    for message in facts.journal.published:
        if message.type == "digest":
            last[message.body["digest"]["id"]] = message
    for digest_id, message in last.items():
        digest, of_flood = message.body["digest"], incidents.get(digest_id, [])
        wakes = digest["open"] and digest["of"] != "reminder" and digest["severity_here"] in PAGES
        if _is_open(of_flood) and not digest["open"]:
            yield Violation(5, facts.end, f"the incident of {digest_id} is never closed")
        if wakes and not _is_open(of_flood):
            yield Violation(
                7, facts.end, f"{digest_id} goes on and is bad, and no incident is open"
            )
        over_at = facts.end if digest["open"] else message.at
        if any(opened_at > over_at + _ON_ITS_WAY for opened_at, _ in of_flood):
            yield Violation(4, over_at, f"{digest_id} wakes somebody after its end")


def _of_alarms(facts: Facts, incidents: Mapping[str, list[Incident]]) -> Iterator[Violation]:
    """The latest change holds, whatever came in whichever order; nobody is woken more than once."""
    changes: dict[str, list[tuple[int, str]]] = {}
    for act in facts.journal.alarms:
        changes.setdefault(act.name, []).append((act.at, act.other))
    troubles = sum(t.invocation.function == PAGER for t in facts.journal.troubles)
    for name, told_of in changes.items():
        state = max(told_of)[1]
        found = incidents.get(arn_of_alarm(name), [])
        if _is_open(found) is not (state == "ALARM"):
            yield Violation(
                5, facts.end, f"alarm {name} is {state}, and its incident is no more so"
            )
        if len(found) > sum(state == "ALARM" for _, state in told_of) + troubles:
            yield Violation(4, facts.end, f"alarm {name} opened {len(found)} incidents")
