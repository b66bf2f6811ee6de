"""PagerDuty's events: what opens an incident, and what closes it.

https://developer.pagerduty.com/docs/events-api-v2/overview: the dedup key, of at most 255
characters, ties a resolve to its trigger; a summary has at most 1,024.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.channels.received import Alarm, Received
from chalicelib.messages.actors import program
from chalicelib.text import elided, harmless

LONGEST_KEY = 255
_LONGEST_SUMMARY = 1024
_LONGEST_DETAIL = 1024
_SEVERITIES = {"LOW": "info", "MEDIUM": "warning", "HIGH": "error", "CRITICAL": "critical"}


class Action(StrEnum):
    """What an event does to its incident."""

    TRIGGER = "trigger"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class PagerDutyEvent:
    """One event, without the key of the service that it goes to."""

    action: Action
    dedup_key: str
    payload: Mapping[str, Any] | None = None
    links: tuple[Mapping[str, str], ...] = ()

    def body(self, routing_key: str) -> dict[str, Any]:
        """The JSON object that the Events API v2 takes."""
        body: dict[str, Any] = {
            "routing_key": routing_key,
            "event_action": self.action,
            "dedup_key": self.dedup_key,
        }
        if self.payload is not None:
            body |= {"client": "Straywatch", "payload": self.payload, "links": list(self.links)}
        return body


def resolve(event: PagerDutyEvent) -> PagerDutyEvent:
    """The event that closes what `event` opened."""
    return PagerDutyEvent(Action.RESOLVE, event.dedup_key)


def event_of(message: Received | Alarm) -> PagerDutyEvent:
    """The event that a message calls for."""
    if isinstance(message, Alarm):
        return _of_alarm(message)
    about = message.about
    key = elided(str(about.get("id") or f"{message.account.key}:health:{about['title']}"), 255)
    if message.type == "resolved" or (message.type == "digest" and not about["open"]):
        return PagerDutyEvent(Action.RESOLVE, key)
    return PagerDutyEvent(
        Action.TRIGGER, key, _payload(message), _links(message.body["remediation"])
    )


def _of_alarm(alarm: Alarm) -> PagerDutyEvent:
    key = elided(alarm.arn, LONGEST_KEY)
    if alarm.state == "OK":
        return PagerDutyEvent(Action.RESOLVE, key)
    payload = {
        "summary": elided(f"{alarm.name}: {alarm.description}", _LONGEST_SUMMARY),
        "source": "straywatch",
        "severity": "error",
        "class": "health",
        "custom_details": {"reason": elided(alarm.reason, _LONGEST_DETAIL)},
    }
    return PagerDutyEvent(Action.TRIGGER, key, payload)


def _payload(message: Received) -> dict[str, Any]:
    about = message.about
    payload: dict[str, Any] = {
        "summary": elided(message.subject or message.type, _LONGEST_SUMMARY),
        "source": f"AWS account {message.account.account_id}",
        "severity": _SEVERITIES[message.severity.name],
        "component": "IAM",
        "group": message.account.key,
        "class": message.type,
        "custom_details": _details(message),
    }
    since = about.get("opened_at") or about.get("at")
    return payload | ({"timestamp": since} if since else {})


def _details(message: Received) -> dict[str, Any]:
    """What the on-call engineer wants to see first; texts from others cannot become links."""
    cause = message.body["cause"] or {}
    if cause:
        cause = cause | {"user_agent": program(cause["user_agent"])}
    told = {**message.about, **{f"cause_{name}": value for name, value in cause.items()}}
    shown = {
        name: elided(harmless(value), _LONGEST_DETAIL)
        for name, value in told.items()
        if isinstance(value, str) and value
    }
    numbers = {name: value for name, value in told.items() if isinstance(value, int)}
    worst = [
        harmless(f"{each['severity']} {each['user_name']}")
        for each in message.about.get("worst", ())
    ]
    return shown | numbers | _commands(message) | ({"worst": worst} if worst else {})


def _commands(message: Received) -> dict[str, Any]:
    """What to type; of two ways to fix it either the one or the other."""
    remediation = message.body["remediation"]
    if remediation.get("join") and remediation.get("exempt"):
        return {"either": remediation["join"], "or": remediation["exempt"]}
    return {"commands": remediation["commands"]}


def _links(remediation: Mapping[str, Any]) -> tuple[Mapping[str, str], ...]:
    named = (("console_url", "IAM console"), ("cloudtrail_url", "CloudTrail"))
    return tuple(
        {"href": remediation[name], "text": text} for name, text in named if remediation[name]
    )
