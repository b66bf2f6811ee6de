"""Promise 3: no alert before one unbroken grace, as far as the events that came can tell."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.journal import Event
from tests.simulation.kernel import DAY, SECOND
from tests.simulation.oracle.facts import BELIEVED, GROUP_LOOKS, Facts, Finding, Violation, told

_ASKED = 5 * SECOND
_BEGINNINGS = ("CreateUser", "RemoveUserFromGroup")
_TURNS = ("CreateUser", "RemoveUserFromGroup", "AddUserToGroup")


def judge(facts: Facts) -> Iterator[Violation]:
    """Every finding that was opened too early, or whose beginning is told wrongly."""
    for finding in facts.findings.values():
        if finding.opened:
            yield from _too_early(facts, finding)


def _too_early(facts: Facts, finding: Finding) -> Iterator[Violation]:
    if _under_an_old_name(facts, finding):
        return
    opened_at = told(finding.opened[0].finding["opened_at"])
    grace = facts.grace_at(finding.decided_by.started)
    since = _latest_known_turn(facts, finding)
    if opened_at < since + grace:
        text = f"{finding.finding_id} opened {(opened_at - since) / SECOND:.0f} s after {since}"
        yield Violation(3, finding.decided_at, text)
    elif _looked_too_early(facts, finding, since + grace):
        text = f"{finding.finding_id} opened by a look from before {since + grace}"
        yield Violation(3, finding.decided_at, text)
    elif not _has_been_seen(facts, finding, opened_at - grace):
        text = f"{finding.finding_id}: it had joined, and no look saw it as a stray a grace before"
        yield Violation(3, finding.decided_at, text)
    stray_since = told(finding.opened[0].finding["stray_since"])
    if opened_at < stray_since + grace - SECOND:
        yield Violation(3, finding.decided_at, f"{finding.finding_id} contradicts itself")


def _under_an_old_name(facts: Facts, finding: Finding) -> bool:
    """Whether IAM, lagging beyond any bound, showed the user by a name that it had given up."""
    truth, user_id = facts.truth, finding.user_id
    seen = [(truth.user(user_id, k.view), truth.user(user_id, k.at)) for k in facts.looks(finding)]
    renamed = any(then and now and then.name != now.name for then, now in seen)
    return renamed and facts.plan.iam_lag >= BELIEVED


def _latest_known_turn(facts: Facts, finding: Finding) -> int:
    """The last moment at which events, or the creation date, tell the user was no stray."""
    first = facts.truth.users[finding.user_id][0][0]
    turns = [first // SECOND * SECOND]
    turns += [
        event.told_at
        for event in facts.known(finding.user_id, finding.decided_by.started)
        if event.change in _TURNS and not facts.is_nobodys(event)
    ]
    return max(turns)


def _looked_too_early(facts: Facts, finding: Finding, due: int) -> bool:
    """Whether the look that decided showed the user while its grace had not passed."""
    looks = [look for look in facts.looks(finding) if look.operation in GROUP_LOOKS]
    return bool(looks) and looks[-1].at < due


def _has_been_seen(facts: Facts, finding: Finding, by: int) -> bool:
    """Whether more is known of the user than that it was in a group once.

    Who has joined a group, or was seen in one after all that events had told, has left it since if
    it is in none. Only a leaving that was told of, a look or the end of an exemption says since
    when. Nobody joins before being created: of both within one second the joining is the later.
    """
    in_group_at = _last_in_group(facts, finding)
    is_late = facts.plan.iam_lag >= BELIEVED and _was_renamed(facts, finding)
    if in_group_at is None or facts.is_mixed_up(finding) or is_late:
        return True
    left = any(
        event.change == "RemoveUserFromGroup"
        and event.told_at >= in_group_at - SECOND
        and facts.delivered_by(event, finding.decided_at)
        for event in facts.events_of(finding.user_id)
    )
    return (
        left
        or _was_exempt(facts, finding.user_id, in_group_at)
        or _seen(facts, finding.user_id, in_group_at, by)
    )


def _last_in_group(facts: Facts, finding: Finding) -> int | None:
    """When it was last in a group, as events told, or a look after they had told otherwise."""
    known = list(facts.known(finding.user_id, finding.decided_by.started))
    joined = [
        event.told_at
        for event in known
        if event.change == "AddUserToGroup"
        and not facts.is_nobodys(event)
        and not _may_be_the_last_bearers(facts, event, finding.decided_by.started)
    ]
    begun = [event for event in known if event.change in _BEGINNINGS]
    if begun and facts.plan.iam_lag < BELIEVED and not _was_renamed(facts, finding):
        joined += [at for at in _shown_in_group(facts, finding) if _told_before(facts, begun, at)]
    return max(joined, default=None)


def _may_be_the_last_bearers(facts: Facts, joined: Event, by: int) -> bool:
    """Whether it was told of the second in which the user was made, and of nobody's end before.

    As far as anybody knows, who bore the name until then may have joined in that second.
    """
    made_at = facts.truth.users[joined.user_id][0][0]
    return made_at // SECOND * SECOND == joined.told_at and any(
        event.change in ("DeleteUser", "UpdateUser")
        and event.name.lower() == joined.name.lower()
        and event.made_at <= made_at
        and not facts.taken_by(event, by)
        for event in facts.journal.events
    )


def _told_before(facts: Facts, begun: list[Event], at: int) -> bool:
    """Whether the look came after all that events had told by then, and long enough."""
    is_after = all(event.told_at < at - BELIEVED - SECOND for event in begun)
    return is_after and any(facts.taken_by(event, at - SECOND) for event in begun)


def _shown_in_group(facts: Facts, finding: Finding) -> Iterator[int]:
    """When a whole look of the last day, before the one that decided, saw the user in a group."""
    ways = (("sweep", "page"), ("check_membership", "list_groups_for_user"))
    for look in facts.looks_at(finding.user_id):
        by = look.invocation
        whole = by.done and not by.hurried and by.ended <= finding.decided_by.started
        recent = look.at >= finding.decided_at - DAY
        user = facts.truth.user(finding.user_id, look.view)
        if whole and recent and (by.function, look.operation) in ways and user and user.groups:
            yield look.view


def _was_renamed(facts: Facts, finding: Finding) -> bool:
    return any(e.change == "UpdateUser" for e in facts.events_of(finding.user_id))


def _seen(facts: Facts, user_id: str, in_group_at: int, by: int) -> bool:
    """Whether IAM showed the user in no group by then. What it showed may be older than that.

    A look counts from when it was asked for, which is moments before IAM answers.
    """
    users = (
        facts.truth.user(user_id, look.view)
        for look in facts.looks_at(user_id)
        if look.at <= by + _ASKED and look.at >= in_group_at and look.operation in GROUP_LOOKS
    )
    return any(user and not user.groups for user in users)


def _was_exempt(facts: Facts, user_id: str, since: int) -> bool:
    turns = {at for at, _ in facts.truth.configurations if at >= since} | {since}
    turns |= {at for at, _ in facts.truth.users[user_id] if at >= since}
    users = ((facts.truth.user(user_id, at), at) for at in turns)
    return any(user and facts.truth.exempt(user, at) for user, at in users)
