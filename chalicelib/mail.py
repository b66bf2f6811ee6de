"""The alert as people read it: a subject line, a mail of one screen, a text message."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.alerts import Alert, Notice
from chalicelib.events import Cause
from chalicelib.findings import AlertType, Finding, Reason, Resolution
from chalicelib.marks import Evidence
from chalicelib.remedies import console_url, fix_commands
from chalicelib.text import LONGEST_SUBJECT, ascii_only, elided, plain
from chalicelib.times import iso

# https://docs.aws.amazon.com/sns/latest/dg/sms_publish-to-topic.html: 140 bytes in one message
LONGEST_SMS = 140
_LONGEST_NAME_IN_SUBJECT = 40

_HEADLINES = {
    AlertType.OPENED: "is in no group",
    AlertType.REMINDER: "is still in no group",
    AlertType.ESCALATED: "is in no group for too long",
    AlertType.RESOLVED: "is resolved",
}


def subject(message: Alert | Notice) -> str:
    """A line for the inbox: severity, user, account. ASCII, under 100 characters."""
    if isinstance(message, Notice):
        return ascii_only(elided(f"[{message.severity.name}] {message.title}", LONGEST_SUBJECT))
    finding = message.finding
    resolved = message.type is AlertType.RESOLVED
    tag = "RESOLVED" if resolved else finding.severity.name
    name = elided(finding.user_name, _LONGEST_NAME_IN_SUBJECT)
    line = f"[{tag}] IAM user {name} {_HEADLINES[message.type]} - {finding.account.account_id}"
    return ascii_only(elided(line, LONGEST_SUBJECT))


def sms(message: Alert | Notice) -> str:
    """The alert in one text message of 140 ASCII characters."""
    return elided(f"straywatch {subject(message)}", LONGEST_SMS)


def mail(message: Alert | Notice) -> str:
    """The alert as a mail of one screen: what, who, since when, by whom, and what to type."""
    if isinstance(message, Notice):
        facts = [("Account", message.account.account_id), ("Severity", message.severity.name)]
        return _page(f"{message.title}.", message.detail, facts, ())
    finding = message.finding
    commands = fix_commands(finding.user_name) if message.type is not AlertType.RESOLVED else ()
    return _page(_sentence(message), "", _facts(finding), commands)


def _page(
    sentence: str, detail: str, facts: list[tuple[str, str]], commands: tuple[str, ...]
) -> str:
    width = max(len(label) for label, _ in facts) + 2
    lines = [plain(sentence), ""]
    if detail:
        lines += [plain(detail), ""]
    lines += [f"{label + ':':<{width}}{plain(value)}" for label, value in facts]
    if commands:
        lines += ["", "To mend it, put the user in a group, or exempt it with a reason:", ""]
        lines += [f"  {plain(command)}" for command in commands]
    return "\n".join(lines) + "\n"


def _sentence(alert: Alert) -> str:
    finding = alert.finding
    who = f"IAM user {finding.user_name} in account {finding.account.account_id}"
    if alert.type is AlertType.RESOLVED and finding.resolution:
        return f"{who} is no longer without a group: {_because(finding.resolution)}."
    length = _duration((finding.alerted_at or finding.opened_at) - finding.stray_since)
    still = "is still" if alert.type is not AlertType.OPENED else "is"
    return f"{who} {still} in no group, and has been for {length}."


def _because(resolution: Resolution) -> str:
    match resolution.reason:
        case Reason.JOINED_GROUP:
            return f"it joined {', '.join(resolution.groups) or 'a group'}"
        case Reason.DELETED:
            return "it was deleted"
        case Reason.EXEMPTED:
            until = resolution.exempted_until
            limit = f" until {iso(until)}" if until else ", with no end"
            return f"it is exempt by {resolution.exempted_by}{limit}"


def _facts(finding: Finding) -> list[tuple[str, str]]:
    facts = [
        ("User", f"{finding.user_arn} ({finding.user_id})"),
        ("Severity", _severity(finding)),
        ("Since", f"{iso(finding.stray_since)} (UTC; {_EVIDENCE[finding.evidence]})"),
    ]
    if finding.cause:
        facts.append(("Done by", actor(finding.cause)))
        facts.append(("From", f"{finding.cause.source_ip}, {elided(finding.cause.user_agent, 80)}"))
    if finding.flaps:
        facts.append(("Unsteady", f"left and joined groups {finding.flaps} times within a day"))
    if finding.resolved_at:
        facts.append(("Resolved", f"{iso(finding.resolved_at)} (UTC)"))
    facts.append(("Console", console_url(finding.account.partition, finding.user_name)))
    facts.append(("Finding", finding.finding_id))
    return facts


def _severity(finding: Finding) -> str:
    return f"{finding.severity.name} - {finding.risk}" if finding.risk else finding.severity.name


_EVIDENCE = {
    Evidence.EVENT: "the call below",
    Evidence.CREATION: "its creation",
    Evidence.EXEMPTION_ENDED: "the end of its exemption",
    Evidence.SIGHTING: "first seen without a group",
}


def actor(cause: Cause) -> str:
    """Name the caller of the IAM call in human terms."""
    call = f"{cause.event_name} of {cause.group_name}" if cause.group_name else cause.event_name
    return f"{cause.actor_type} {cause.actor_arn or '(not named)'}, {call}"


def _duration(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} seconds"
