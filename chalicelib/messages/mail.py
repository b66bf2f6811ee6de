"""A message as a mail of one screen: what, who, since when, by whom, and what to type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert, Digest, Message, Notice
from chalicelib.domain.facts import Evidence
from chalicelib.domain.findings import AlertType, Finding, Reason
from chalicelib.messages.actors import actor, deed, place
from chalicelib.messages.endings import in_full
from chalicelib.messages.remedies import (
    LIST_COMMAND,
    cloudtrail_url,
    console_url,
    notice_commands,
    users_url,
    ways_out,
)
from chalicelib.text import counted, elided, harmless, wrapped
from chalicelib.times import in_utc, spoken

_LONGEST_NAME = 64  # of a user or a group; a rare one has up to 128 characters
_GROUPS_NAMED = 3
_LONGEST_GROUP = 40
_LONGEST_RISK = 190  # three lines
_TEST = "This is a test of the way that alerts take. Nothing is the matter. A real one says:"
_SINCE = {
    Evidence.EVENT: "the call below",
    Evidence.CREATION: "its creation",
    Evidence.EXEMPTION_ENDED: "the end of its exemption",
    Evidence.SIGHTING: "first seen in no group, perhaps for longer",
}

Facts = list[tuple[str, str]]
Steps = tuple[str, Sequence[str]]
"""What the commands are for, and the commands, each on a line of its own."""


def mail(message: Message, account_alias: str = "") -> str:
    """The mail's text. Prose keeps to 80 columns; commands and links are never broken."""
    match message:
        case Alert():
            lines = _alert(message, account_alias)
        case Notice():
            lines = _notice(message, account_alias)
        case Digest():
            lines = _digest(message, account_alias)
    test = [*wrapped(_TEST), ""] if message.is_test else []
    return "\n".join([*test, *lines]) + "\n"


def _alert(alert: Alert, alias: str) -> list[str]:
    finding = alert.finding
    over = alert.type is AlertType.RESOLVED
    cause = finding.cause
    partition, name = finding.account.partition, finding.user_name
    is_deleted = finding.resolution is not None and finding.resolution.reason is Reason.DELETED
    links = [
        ("Console", "" if is_deleted else console_url(partition, name)),
        ("CloudTrail", cloudtrail_url(partition, cause, name)),
        ("Finding", finding.finding_id),
    ]
    facts = _facts(finding, alias, over=over)
    return _page(sentence(alert), facts, [] if over else ways_out(finding), links)


def _notice(notice: Notice, alias: str) -> list[str]:
    account = notice.account
    facts = [("Severity", notice.severity.name), ("Account", _account(account, alias))]
    links = []
    if notice.user_name:
        facts.append(("User", elided(notice.user_name, _LONGEST_NAME)))
        links = [
            ("Console", console_url(account.partition, notice.user_name)),
            ("CloudTrail", cloudtrail_url(account.partition, None, notice.user_name)),
        ]
    facts.append(("What", elided(notice.detail, 800)))
    steps = [("To find out more:", notice_commands(notice))]
    opening = f"IAM user {notice.title}." if notice.user_name else f"{notice.title}."
    return _page(opening, facts, steps, links)


def _digest(digest: Digest, alias: str) -> list[str]:
    counts = ", ".join(f"{count:,} {severity.name}" for severity, count in digest.by_severity)
    facts = [
        ("Here", f"{digest.open:,} - {counts}" if counts else "none is left"),
        ("Account", _account(digest.account, alias)),
        ("At", in_utc(digest.at)),
        ("In all", _in_all(digest)),
    ]
    worst = [
        f"{finding.severity.name:<8}  since {in_utc(finding.stray_since)}"
        f"  {harmless(elided(finding.user_name, 36))}"
        for finding in digest.worst
    ]
    steps: list[Steps] = [("The worst:", worst)] if worst else []
    steps.append(("The full list:", (LIST_COMMAND,)))
    links = [("Console", users_url(digest.account.partition)), ("Digest", digest.digest_id)]
    return _page(sentence(digest), facts, steps, links)


def _page(
    opening: str, facts: Iterable[tuple[str, str]], steps: Iterable[Steps], links: Facts
) -> list[str]:
    lines = [*wrapped(harmless(opening)), ""]
    for label, value in facts:
        lines += wrapped(f"{label + ':':<10}{harmless(value)}", indent=10)
    lines.append("")
    for purpose, commands in steps:
        lines += [purpose, *(f"  {command}" for command in commands)]
    if steps:
        lines.append("")
    lines += [f"{label + ':':<12}{link}" for label, link in links if link]
    return lines


def _facts(finding: Finding, alias: str, *, over: bool) -> Facts:
    risk = f" - {elided(finding.risk, _LONGEST_RISK)}" if finding.risk else ""
    facts = [
        ("Was" if over else "Severity", finding.severity.name + risk),
        ("Account", _account(finding.account, alias)),
        ("User", f"{elided(finding.user_name, _LONGEST_NAME)} ({finding.user_id})"),
        ("Since", f"{in_utc(finding.stray_since)}, {_SINCE[finding.evidence]}"),
    ]
    if finding.unread:
        named = elided(", ".join(finding.unread), 120)
        facts.insert(1, ("Not read", f"{named}; the severity allows for it"))
    facts += _began_by(finding) if over else _caused_by(finding)
    if finding.flaps > 1:  # everybody who is put in a group has left none once
        facts.append(("Unsteady", f"was in no group {counted(finding.flaps, 'time')} in a day"))
    return _settled(finding) + facts if over else facts


def _caused_by(finding: Finding) -> Facts:
    cause = finding.cause
    if cause is None:
        return []
    return [
        ("Call", f"{deed(cause)} at {in_utc(cause.event_time)}"),
        ("By", actor(cause, finding.account)),
        ("From", place(cause)),
    ]


def _began_by(finding: Finding) -> Facts:
    """What made the user a stray, told of one that is none any more: in a line, and as its past."""
    cause = finding.cause
    return [("Began", f"{deed(cause)} by {actor(cause, finding.account)}")] if cause else []


def _settled(finding: Finding) -> Facts:
    """When it was over, and who saw to that, where an event told."""
    facts = [("Settled", in_utc(finding.resolved_at))] if finding.resolved_at else []
    cause = finding.resolution.cause if finding.resolution else None
    if cause:
        who = f"{actor(cause, finding.account)} ({cause.event_name})"
        facts.append(("By", f"{who}, from {place(cause)}"))
    return facts


def sentence(message: Alert | Digest) -> str:
    """What happened, in a sentence or two."""
    if isinstance(message, Digest):
        return _standing(message)
    finding = message.finding
    who = f"IAM user {elided(finding.user_name, _LONGEST_NAME)}"
    if message.type is AlertType.RESOLVED and finding.resolution:
        length = spoken(_seconds(finding, finding.resolved_at))
        ended = in_full(finding.resolution, groups=_GROUPS_NAMED, longest=_LONGEST_GROUP)
        return f"{who} {ended}, after {length} in no group."
    length = spoken(_seconds(finding, finding.alerted_at))
    match message.type:
        case AlertType.REMINDER:
            number = finding.reminders
            return f"{who} is still in no group, after {length}. This is reminder {number}."
        case AlertType.ESCALATED:
            raised = f"The severity is {finding.severity.name} now."
            return f"{who} has been in no group for {length}: too long. {raised}"
        case _:
            return f"{who} {_began(finding, length)}"


def _seconds(finding: Finding, until: datetime | None) -> float:
    """How long the user had been a stray by then, or else by the finding's opening."""
    return ((until or finding.opened_at) - finding.stray_since).total_seconds()


def _began(finding: Finding, length: str) -> str:
    cause = finding.cause
    if cause and cause.took_out:
        group = elided(cause.group_name, _LONGEST_NAME) or "its group"
        return f"was taken out of {group} {length} ago, and is in no group."
    match finding.evidence:
        case Evidence.EVENT | Evidence.CREATION:
            return f"was created {length} ago, and is in no group."
        case Evidence.EXEMPTION_ENDED:
            return f"is in no group, and its exemption ended {length} ago."
        case Evidence.SIGHTING:
            return f"has been in no group for {length} at least."


def _standing(digest: Digest) -> str:
    if not digest.open:
        users = counted(digest.announced - digest.told_singly, "IAM user")
        return f"The {users} told of together are settled: each is in a group, gone or exempt."
    users = counted(digest.open, "IAM user")
    are, have = ("is", "has") if digest.open == 1 else ("are", "have")
    match digest.of:
        case AlertType.ESCALATED:
            told = f"{users} {have} been in no group for too long."
            return f"{told} The severity of each was raised."
        case AlertType.REMINDER:
            return f"{users} {are} still in no group. This one message reminds of all of them."
        case _:
            strays = counted(digest.strays, "IAM user")
            if others := digest.strays - digest.open:
                told = f"{strays} are in no group. This message tells of {digest.open:,} of them"
                return f"{told}; you were told of the other {others:,} before."
            return f"{strays} {are} in no group, so many that one message tells of them all."


def _in_all(digest: Digest) -> str:
    """What a digest accounts for: all that came to it, and the account's strays beside them."""
    parts = [f"{digest.strays:,} in the account"]
    if digest.of is not AlertType.REMINDER:
        singly = f", {digest.told_singly:,} told singly" if digest.told_singly else ""
        parts.append(f"{digest.announced:,} {digest.of}, {digest.new:,} new{singly}")
    return "; ".join(parts)


def _account(account: Account, alias: str) -> str:
    return f"{account.account_id} ({alias})" if alias else account.account_id
