"""A message in one line: for an inbox, and for a text message."""

from __future__ import annotations

from chalicelib.domain.alerts import Alert, Digest, Message, Notice
from chalicelib.domain.findings import AlertType, Finding, Reason
from chalicelib.messages.actors import actor
from chalicelib.messages.endings import in_short
from chalicelib.text import ascii_only, counted, elided
from chalicelib.times import spoken

LONGEST_SUBJECT = 60
"""Columns that an inbox shows of a line. SNS takes 99 characters of ASCII without line breaks:
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html"""
# https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-topic.html: 140 bytes in one message
LONGEST_SMS = 140
_SHORTEST_NAME = 8

_STATES = {
    AlertType.REMINDER: "still in no group",
    AlertType.ESCALATED: "in no group for too long",
}
_ENDINGS = {
    Reason.JOINED_GROUP: "is in a group",
    Reason.DELETED: "deleted",
    Reason.EXEMPTED: "is exempt",
}


def subject(message: Message) -> str:
    """A line for the inbox: severity, user, state, account. ASCII, at most 60 columns."""
    tags = ("[TEST] " if message.is_test else "") + f"[{_tag(message)}] "
    account = f" - {message.account.account_id}"
    return ascii_only(tags + _said(message, LONGEST_SUBJECT - len(tags + account)) + account)


def sms(message: Message) -> str:
    """The message in one text message of 140 ASCII characters: the subject, and why it is bad.

    SNS itself puts the topic's name before it.
    """
    line = subject(message)
    room = LONGEST_SMS - len(line) - 2
    parts = _why(message).split("; ")
    while len("; ".join(parts)) > room and len(parts) > 1:
        parts.pop()
    said = "; ".join(parts)
    said = said if len(said) <= room else said[: room - 3] + "..."
    return ascii_only(f"{line}: {said}" if said else line)


def _tag(message: Message) -> str:
    settled = isinstance(message, Digest) and not message.open
    over = settled or message.type is AlertType.RESOLVED
    return "RESOLVED" if over else message.severity.name


def _said(message: Message, room: int) -> str:
    match message:
        case Notice(title=title, user_name=name):
            spare = room - (len(title) - len(name))
            short = elided(name, max(spare, _SHORTEST_NAME))
            return elided(title.replace(name, short, 1) if name else title, room)
        case Digest(open=0):
            return f"{counted(message.announced - message.told_singly, 'user')} settled"
        case Digest(of=AlertType.OPENED):
            return f"{counted(message.strays, 'user')} in no group"
        case Digest(open=still, of=of):
            return f"{counted(still, 'user')} {_STATES[of]}"
        case Alert(finding=finding):
            longer, shorter = _states(message.type, finding)
            fits = len(finding.user_name) + 1 + len(longer) <= room
            state = longer if fits else shorter
            return f"{elided(finding.user_name, room - 1 - len(state))} {state}"


def _states(alert_type: AlertType, finding: Finding) -> tuple[str, str]:
    """How it is with the user, and the same in fewer words, where the name needs the room."""
    if alert_type is AlertType.RESOLVED and finding.resolution:
        return in_short(finding.resolution), _ENDINGS[finding.resolution.reason]
    return _STATES.get(alert_type, "in no group"), "in no group"


def _why(message: Message) -> str:
    """Why it is bad, each part after a semicolon, what matters most first; or who ended it."""
    match message:
        case Notice(detail=detail):
            return detail
        case Digest():
            counts = [f"{count:,} {severity.name}" for severity, count in message.by_severity]
            return ", ".join(counts)
        case Alert(finding=finding):
            over = finding.resolution if message.type is AlertType.RESOLVED else None
            if over:
                return f"by {actor(over.cause, finding.account)}" if over.cause else ""
            until = finding.alerted_at or finding.opened_at
            length = spoken((until - finding.stray_since).total_seconds())
            return finding.risk if message.type not in _STATES else f"{length}; {finding.risk}"
