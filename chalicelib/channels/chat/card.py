"""A message as a card for Amazon Q in chat applications, which renders this schema and no other.

https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. `threadId` puts what
comes later about a finding under its first card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.channels.received import Received
from chalicelib.messages.endings import in_full, resolution_in
from chalicelib.text import elided, harmless

_LONGEST_TITLE = 250
_LONGEST_DESCRIPTION = 3000  # Slack's own limit for a block of text
_LONGEST_STEP = 1000
_MARKS = {"CRITICAL": ":red_circle:", "HIGH": ":large_orange_circle:"}
_OTHER = ":large_yellow_circle:"
_OVER = ":white_check_mark:"
_OF = {
    "opened": "In no group",
    "escalated": "In no group for too long",
    "reminder": "Still in no group",
}
# Slack reads <...> and &...; even inside a code span; a backtick would end the span
_LOOKALIKES = str.maketrans({"<": "\u2039", ">": "\u203a", "&": "+", "`": "'"})


def code(text: str, longest: int = 300) -> str:
    """Text from others as a code span: shown as it is, no markup, no mention, no link."""
    shown = elided(harmless(text).strip() or "-", longest).translate(_LOOKALIKES)
    return f"`{shown}`"


def card(message: Received) -> dict[str, Any]:
    """The card that stands for a message."""
    about = message.about
    over = message.type == "resolved" or (message.type == "digest" and not about["open"])
    mark = _OVER if over else _MARKS.get(about["severity"], _OTHER)
    thread = str(about.get("id") or f"{message.account.key}:{message.type}")
    description = "\n".join(_lines(message))
    return {
        "version": "1.0",
        "source": "custom",
        "id": elided(f"{message.type}:{thread}", 255),
        "content": {
            "textType": "client-markdown",
            "title": f"{mark} {code(message.subject or message.type, _LONGEST_TITLE - 40)}",
            "description": elided(description, _LONGEST_DESCRIPTION),
            "nextSteps": [
                code(command, _LONGEST_STEP)
                for command in message.body["remediation"]["commands"]
                if len(command) < _LONGEST_STEP  # half a command is worse than none
            ],
            "keywords": ["straywatch", message.type, about["severity"]],
        },
        "metadata": {
            "threadId": elided(thread, 255),
            "summary": elided(message.subject or message.type, _LONGEST_TITLE),
            "eventType": f"straywatch.{message.type}",
            "relatedResources": [about["user_arn"]] if "user_arn" in about else [],
            "additionalContext": {
                "account": message.account.account_id,
                "severity": about["severity"],
            },
        },
    }


def _lines(message: Received) -> Iterable[str]:
    about, body = message.about, message.body
    alias = body["account_alias"]
    yield f"*Account* {code(message.account.account_id + (f' ({alias})' if alias else ''))}"
    if message.type == "digest":
        yield from _standing(about)
    elif body["finding"]:
        yield from _finding(about, body["cause"])
    else:
        yield code(about["detail"], 1500)
    for name, text in (("console_url", "IAM console"), ("cloudtrail_url", "CloudTrail")):
        link = body["remediation"][name]
        if link:
            yield f"{text}: {link}"


def _standing(digest: Mapping[str, Any]) -> Iterable[str]:
    counts = ", ".join(f"{count} {name}" for name, count in digest["by_severity"].items())
    here = digest["announced"] - digest["told_singly"]
    yield f"*{_OF[digest['of']]}* {digest['open']} of {here} {code(counts)}"
    yield f"*New* {digest['new']} *Told singly* {digest['told_singly']} *In all* {digest['strays']}"
    for each in digest["worst"]:
        since = code(f"since {each['stray_since']}")
        yield f"- {code(each['severity'])} {code(each['user_name'], 64)} {since}"


def _finding(finding: Mapping[str, Any], cause: Mapping[str, Any] | None) -> Iterable[str]:
    yield f"*User* {code(finding['user_name'])}"
    yield f"*Risk* {code(finding['severity'] + ' - ' + finding['risk'])}"
    if finding["risk_unread"]:
        yield f"*Not read* {code(', '.join(finding['risk_unread']))}"
    yield f"*In no group since* {code(finding['stray_since'])}"
    if cause:
        yield f"*By* {code(cause['event_name'])} {code(cause['actor_arn'] or cause['actor_type'])}"
        yield f"*From* {code(cause['source_ip'])} {code(cause['user_agent'], 80)}"
    resolution = finding["resolution"]
    if resolution:
        yield f"*Resolved* {code(in_full(resolution_in(resolution)))}"
    yield f"*Finding* {code(finding['id'])}"
