"""A message in one line: for an inbox, and for a text message."""

from __future__ import annotations

from chalicelib.domain.alerts import Alert, Digest, Message, Notice
from chalicelib.domain.findings import AlertType, Finding
from chalicelib.messages.endings import in_short
from chalicelib.text import LONGEST_SUBJECT, ascii_only, counted, elided

# https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-topic.html: 140 bytes in one message
LONGEST_SMS = 140
_LONGEST_NAME = 30

_STATES = {
    AlertType.OPENED: "is in no group",
    AlertType.REMINDER: "is still in no group",
    AlertType.ESCALATED: "is in no group for too long",
    AlertType.TEST: "is in no group",
}


def subject(message: Message) -> str:
    """A line for the inbox: severity, user, account. ASCII, under 100 characters."""
    tags = ("[TEST] " if message.is_test else "") + f"[{_tag(message)}] "
    account = f" - {message.account.account_id}"
    said = elided(_said(message), LONGEST_SUBJECT - len(tags) - len(account))
    return ascii_only(tags + said + account)


def sms(message: Message) -> str:
    """The message in one text message of 140 ASCII characters."""
    return elided(f"straywatch {subject(message)}", LONGEST_SMS)


def _tag(message: Message) -> str:
    settled = isinstance(message, Digest) and not message.open
    over = settled or message.type is AlertType.RESOLVED
    return "RESOLVED" if over else message.severity.name


def _said(message: Message) -> str:
    match message:
        case Notice(title=title):
            return title
        case Digest(open=0):
            users = counted(message.announced - message.told_singly, "IAM user")
            return f"All of {users} without a group are settled"
        case Digest(open=still, of=of):
            are = "is" if still == 1 else "are"
            state = _STATES[of].removeprefix("is ")
            escalation = "Escalation: " if of is AlertType.ESCALATED else ""
            return f"{escalation}{counted(still, 'IAM user')} {are} {state}"
        case Alert(finding=finding):
            name = elided(finding.user_name, _LONGEST_NAME)
            return f"IAM user {name} {_state(message.type, finding)}"


def _state(alert_type: AlertType, finding: Finding) -> str:
    if alert_type is AlertType.RESOLVED and finding.resolution:
        return in_short(finding.resolution)
    return _STATES[alert_type]
