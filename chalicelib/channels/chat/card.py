"""A message as a card for Amazon Q in chat applications, which renders this schema and no other.

https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html. `threadId` puts what
comes later about a finding under its first card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.channels.received import Received
from chalicelib.codec import decode
from chalicelib.domain.account import Account
from chalicelib.domain.events import Cause
from chalicelib.messages.actors import actor, deed, place
from chalicelib.messages.endings import in_full, resolution_in
from chalicelib.text import elided, harmless
from chalicelib.times import in_utc, parse_time

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
# outside one, these would be bold, slanted, struck out, a mention or a link
_MARKUP = _LOOKALIKES | str.maketrans({"*": "\u2217", "_": "\u02cd", "~": "\u223c", "@": "\uff20"})


def code(text: str, longest: int = 300) -> str:
    """Text from others as a code span: shown as it is, no markup, no mention, no link."""
    shown = elided(harmless(text).strip() or "-", longest).translate(_LOOKALIKES)
    return f"`{shown}`"


def prose(text: str, longest: int = 1500) -> str:
    """Words of ours, whatever names others have put into them: no markup, no mention, no link."""
    return elided(harmless(text).strip(), longest).translate(_MARKUP)


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
            "title": f"{mark} {_title(message)}",
            "description": elided(description, _LONGEST_DESCRIPTION),
            "nextSteps": list(_steps(message.body["remediation"])),
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


def _title(message: Received) -> str:
    """The subject's words, with the user's name as code."""
    about = message.about
    name = str(about.get("user_name") or "")
    line = message.subject or message.type
    if not name or name not in line:
        return prose(line, _LONGEST_TITLE)
    before, _, after = line.partition(name)
    return f"{prose(before)} {code(name, _LONGEST_TITLE - 100)} {prose(after)}".strip()


def _steps(remediation: Mapping[str, Any]) -> Iterable[str]:
    """Each command by itself; of two ways to fix it, with a word that only one is to be gone."""
    either, otherwise = remediation.get("join") or (), remediation.get("exempt") or ()
    labels = dict.fromkeys(either, "Either put it in a group: ")
    labels |= dict.fromkeys(otherwise, "Or exempt it: ")
    for command in remediation["commands"]:
        if len(command) < _LONGEST_STEP:  # half a command is worse than none
            yield labels.get(command, "") + code(command, _LONGEST_STEP)


def _lines(message: Received) -> Iterable[str]:
    about, body = message.about, message.body
    if message.type == "digest":
        yield from _standing(about)
    elif body["finding"]:
        yield from _finding(about, body["cause"] or {}, message.account)
    else:
        yield prose(about["detail"])
    alias = body["account_alias"]
    yield f"*Account* {message.account.account_id}{f' ({prose(alias)})' if alias else ''}"
    for name, text in (("console_url", "IAM console"), ("cloudtrail_url", "CloudTrail")):
        link = body["remediation"][name]
        if link:
            yield f"{text}: {link}"


def _standing(digest: Mapping[str, Any]) -> Iterable[str]:
    counts = ", ".join(f"{count:,} {name}" for name, count in digest["by_severity"].items())
    yield f"*{_OF[digest['of']]}* {digest['strays']:,} in the account"
    yield f"*Told of here* {digest['open']:,} ({counts or 'none is left'}), {digest['new']:,} new"
    for each in digest["worst"]:
        since = in_utc(parse_time(each["stray_since"]))
        yield f"- {prose(each['severity'])} {code(each['user_name'], 64)} since {since}"


def _finding(
    finding: Mapping[str, Any], told: Mapping[str, Any], account: Account
) -> Iterable[str]:
    resolution = resolution_in(finding["resolution"]) if finding["resolution"] else None
    if resolution:
        at = in_utc(parse_time(finding["resolved_at"]))
        yield f"*Settled* {at}: {prose(in_full(resolution))}"
        if resolution.cause:
            yield f"*Settled by* {_who(resolution.cause, account)}"
    yield f"*{'Was' if resolution else 'Why'}* {finding['severity']}: {prose(finding['risk'])}"
    if finding["risk_unread"]:
        yield f"*Not read* {prose(', '.join(finding['risk_unread']))}"
    state = "Had been in no group since" if resolution else "In no group since"
    yield f"*{state}* {in_utc(parse_time(finding['stray_since']))}"
    if told:
        cause = decode(Cause, told)
        began = "Began with" if resolution else "By"
        yield f"*{began}* {_who(cause, account)}"
    yield f"*Finding* {code(finding['id'])}"


def _who(cause: Cause, account: Account) -> str:
    return f"{code(actor(cause, account))}, {prose(deed(cause))}, from {code(place(cause))}"
