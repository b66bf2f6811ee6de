"""A stand-in for PagerDuty's Events API v2: refuses what PagerDuty would, and keeps incidents.

The rules are those of PagerDuty's published OpenAPI document (reference/events-v2) and of its
guide to the Events API v2. It can be told to refuse, to be slow, or to limit the rate.
"""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator

from straywatch.local.receivers.http_endpoint import EndpointResponse

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
_LARGEST = 512 * 1024
_TEXT = {"type": "string"}
_SCHEMA = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": _TEXT,
        "client_url": {"type": "string", "pattern": "^https?://"},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["href"],
                "properties": {"href": {"type": "string", "pattern": "^https?://"}, "text": _TEXT},
            },
        },
        "images": {"type": "array"},
        "payload": {
            "type": "object",
            "required": ["summary", "severity", "source"],
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "timestamp": {"type": "string", "format": "date-time"},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "source": {"type": "string", "minLength": 1},
                "component": _TEXT,
                "group": _TEXT,
                "class": _TEXT,
                "custom_details": {"type": "object"},
            },
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}
_VALIDATOR = Draft202012Validator(_SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)


@dataclass(frozen=True)
class Trouble:
    """How the next request is met, instead of as it should be. `delay` is in seconds."""

    status: int = 202
    delay: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = False
    """Whether the event is taken all the same, and only the answer is lost or wrong."""
    said: bytes | None = None
    """What is answered instead of PagerDuty's words: a wrong address may answer anything."""


@dataclass
class Incident:
    """What became of one dedup key: how often it was opened and closed, and what it shows."""

    dedup_key: str
    summary: str
    severity: str
    opened: int = 1
    closed: int = 0
    triggers: int = 1

    @property
    def is_open(self) -> bool:
        """Whether it was opened more often than closed."""
        return self.opened > self.closed


@dataclass
class PagerDuty:
    """Takes events; `incidents` tells by dedup key what came of them."""

    routing_key: str = ROUTING_KEY
    tell: Callable[[str], None] = lambda _: None
    troubles: deque[Trouble] = field(default_factory=deque)
    incidents: dict[str, Incident] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    requests: int = 0
    answered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def receive(self, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        """Answer one POST to /v2/enqueue."""
        with self._lock:
            self.requests += 1
            trouble = self.troubles.popleft() if self.troubles else Trouble()
        try:
            return self._meet(trouble, headers, body)
        finally:
            with self._lock:
                self.answered += 1

    def _meet(self, trouble: Trouble, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        time.sleep(trouble.delay)
        wrong = trouble.status != Trouble.status or trouble.said is not None
        if wrong and not trouble.accepted:
            said = {"status": "error", "message": ""} if trouble.said is None else trouble.said
            return EndpointResponse(trouble.status, said, trouble.headers)
        answer = self._answer(headers, body)
        return EndpointResponse(trouble.status, answer.body) if trouble.accepted else answer

    def _answer(self, headers: Mapping[str, str], body: bytes) -> EndpointResponse:
        faults = self._faults(headers, body)
        if faults:
            self.refused += faults
            told = {"status": "invalid event", "message": "Event object is invalid"}
            return EndpointResponse(400, told | {"errors": faults})
        event = json.loads(body)
        with self._lock:
            self._take(event)
        return EndpointResponse(
            202, {"status": "success", "dedup_key": event.get("dedup_key", "new")}
        )

    def _faults(self, headers: Mapping[str, str], body: bytes) -> list[str]:
        if len(body) > _LARGEST:
            return ["the event is larger than 512 KB"]
        if "json" not in headers.get("content-type", ""):
            return ["the event is not JSON"]
        try:
            event = json.loads(body)
        except ValueError as error:
            return [f"JSON parse error: {error}"]
        faults = [f"{error.json_path}: {error.message}" for error in _VALIDATOR.iter_errors(event)]
        if not faults and event["routing_key"] != self.routing_key:
            faults = ["Invalid routing key"]
        return faults

    def _take(self, event: Mapping[str, Any]) -> None:
        key = event.get("dedup_key", f"new-{len(self.incidents)}")
        known = self.incidents.get(key)
        if event["event_action"] == "trigger":
            payload = event["payload"]
            if known is None:
                self.incidents[key] = Incident(key, payload["summary"], payload["severity"])
            else:
                known.opened += not known.is_open
                known.triggers += 1
                known.summary, known.severity = payload["summary"], payload["severity"]
            self.tell(f"triggered [{payload['severity']}] {payload['summary']}")
        elif event["event_action"] == "resolve" and known and known.is_open:
            known.closed += 1
            self.tell(f"resolved {known.summary}")
