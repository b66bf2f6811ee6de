"""Promise 1: whoever is a stray for the whole grace gets an `opened` alert, and in time."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Event, Look
from tests.simulation.kernel import SECOND
from tests.simulation.oracle.facts import CACHED, FRESH, Facts, Finding, Violation
from tests.simulation.truth import Episode


def judge(facts: Facts) -> Iterator[Violation]:
    """Every episode that lasted long enough for an alert and got none in time."""
    for user_id in facts.truth.users:
        for episode in facts.episodes(user_id):
            deadlines = {
                "its event came": _deadline_by_event(facts, episode),
                "sweeps saw it": _deadline_by_sweep(facts, episode),
                "a look knew of it": _deadline_by_exemption(facts, episode),
            }
            for why, deadline in deadlines.items():
                if deadline is None or not _lasts(facts, episode, deadline):
                    continue
                if not _is_told(facts, episode, deadline):
                    text = (
                        f"{user_id} is a stray since {episode.start / SECOND:.3f}, {why}, no alert"
                    )
                    yield Violation(1, deadline, text)
                    break


def _lasts(facts: Facts, episode: Episode, deadline: int) -> bool:
    return deadline <= facts.end and (episode.end is None or episode.end > deadline)


def _is_told(facts: Facts, episode: Episode, deadline: int) -> bool:
    return any(
        finding.opened
        and finding.opened[0].at <= deadline
        and (finding.resolved == [] or finding.resolved[0].at > episode.start)
        and _stands_for(facts, finding, episode, deadline)
        for finding in facts.of_user(episode.user_id)
    )


def _stands_for(facts: Facts, finding: Finding, episode: Episode, deadline: int) -> bool:
    """Whether the finding is about this episode, as far as anyone could tell.

    One opened earlier stays for a later episode if nothing told that the user was in between no
    stray: no event, and no sweep.
    """
    if finding.decided_at >= episode.start:
        return True
    for event in facts.known(episode.user_id, deadline):
        moved = event.change in ("AddUserToGroup", "RemoveUserFromGroup")
        moved = moved and not facts.is_nobodys(event)
        moved = moved and not facts.is_muddled(episode.user_id, event.made_at, deadline)
        if (
            moved
            and event.told_at >= finding.decided_at + SECOND
            and event.made_at <= episode.start
        ):
            return False
    return True


def _deadline_by_event(facts: Facts, episode: Episode) -> int | None:
    """When the alert must be there if the event that began the episode came.

    If IAM then still shows what was so before, the next sweep is what remains.
    """
    began = _beginning(facts, episode)
    if began is None or began.event_id not in facts.journal.taken:
        return None
    due = facts.due_after(began.told_at, facts.journal.taken[began.event_id])
    while True:
        later = max([due, *(_told_at(facts, e) for e in _renames(facts, episode, due))])
        if later == due:
            break
        if later > facts.end:
            return None
        due = later
    deadline = facts.deadline(due)
    misled = facts.is_misled(episode.user_id, episode, began.told_at, deadline)
    unclear = facts.is_anybodys(episode.user_id, began.told_at, deadline)
    return None if misled or unclear else deadline


def _beginning(facts: Facts, episode: Episode) -> Event | None:
    return next(
        (
            e
            for e in facts.events_of(episode.user_id)
            if e.made_at == episode.start and e.change in ("CreateUser", "RemoveUserFromGroup")
        ),
        None,
    )


def _renames(facts: Facts, episode: Episode, due: int) -> list[Event]:
    """Renames until a while after: what they leave behind is found again once they are told."""
    return [
        e
        for e in facts.events_of(episode.user_id)
        if e.change == "UpdateUser" and episode.start <= e.made_at <= facts.deadline(due)
    ]


def _told_at(facts: Facts, event: Event) -> int:
    return facts.journal.taken.get(event.event_id, facts.end + 1)


def _deadline_by_sweep(facts: Facts, episode: Episode) -> int | None:
    """When the alert must be there though no event came: two whole sweeps, a grace apart."""
    sightings = facts.sightings(episode.user_id, episode)
    for first in sightings:
        if _renamed_untold_after(facts, episode, first.view):
            continue
        for second in sightings:
            if second.at < facts.due_after(first.invocation.ended):
                continue
            deadline = facts.deadline(second.invocation.ended)
            if not facts.is_misled(episode.user_id, episode, first.at, deadline):
                return deadline
    return None


def _deadline_by_exemption(facts: Facts, episode: Episode) -> int | None:
    """When the alert must be there if a look found the user exempt until the episode began."""
    ways = (("sweep", "page"), ("check_membership", "get_user"))
    for look in facts.looks_at(episode.user_id):
        whole = look.invocation.done and not look.invocation.hurried
        if (look.invocation.function, look.operation) not in ways or not whole:
            continue
        if look.at < episode.start and _tells_the_end(facts, episode, look):
            # a check that was asked for before a deployment waits as it was told then
            asked = episode.start + facts.longest_grace(0, look.at)
            deadline = facts.deadline(max(facts.due_after(episode.start), asked))
            misled = facts.is_misled(episode.user_id, episode, look.at, deadline)
            return None if misled else deadline
    return None


def _tells_the_end(facts: Facts, episode: Episode, look: Look) -> bool:
    """Whether the look showed the user in no group and exempt until then, and all stayed so."""
    truth, user_id = facts.truth, episode.user_id
    user = truth.user(user_id, look.view)
    if user is None or user.groups:
        return False
    lasting = facts.deadline(facts.due_after(episode.start))
    changed = any(look.view < at <= lasting for at, _ in truth.users[user_id])
    changed = changed or _has_a_new_name(facts, user_id, look)
    asked_since = look.at - CACHED
    configured = any(asked_since < at <= lasting for at, _ in truth.configurations)
    if changed or configured or truth.configuration(look.at).broken:
        return False
    return truth.exempt_until(user, look.at) == episode.start


def _has_a_new_name(facts: Facts, user_id: str, look: Look) -> bool:
    """Whether the look came so soon after a rename that it may prove nothing."""
    return any(
        event.change == "UpdateUser" and look.at - FRESH <= event.made_at <= look.at
        for event in facts.events_of(user_id)
    )


def _renamed_untold_after(facts: Facts, episode: Episode, at: int) -> bool:
    """Whether a rename that no event told of makes the user a stranger to the next sweep."""
    return any(
        e.made_at >= at - facts.plan.iam_lag and e.event_id not in facts.journal.taken
        for e in facts.events_of(episode.user_id)
        if e.change == "UpdateUser"
    )
