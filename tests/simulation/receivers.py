"""Those who hear of findings: PagerDuty, chat, a bus of events and Security Hub."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from tests.simulation.clients import Call, Gateway, Running
from tests.simulation.iam import ACCOUNT_ID
from tests.simulation.journal import Journal, Page
from tests.simulation.kernel import Kernel
from tests.simulation.sns import Notification
from tests.simulation.weather import HttpAnswerError

PAGER, CHAT, BUS, HUB = (
    "page_on_call", "post_to_chat", "put_on_event_bus", "import_to_security_hub",
)  # fmt: skip
CHAT_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:chat"
PAGES = ("HIGH", "CRITICAL")
SETTINGS = {
    "PAGERDUTY_SECRET_ARN": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT_ID}:secret:pager",
    "PAGERDUTY_URL": "https://events.pagerduty.com/v2/enqueue",
    "PAGERDUTY_SEVERITIES": ",".join(PAGES),
    "CHAT_TOPIC_ARN": CHAT_TOPIC,
    "FINDING_EVENT_BUS_ARN": f"arn:aws:events:us-east-1:{ACCOUNT_ID}:event-bus/security",
}
_TAKEN = b'{"status": "success"}'


def subscribers(told: Notification) -> list[str]:
    """Whom the filter policies of .chalice/template/channels let a message of ours through to."""
    kind, severity, audience = (told.attributes[n] for n in ("type", "severity", "audience"))
    people, machines = audience != "machines", audience != "people"
    waking = ("opened", "escalated", "resolved", "digest", "health", "test")
    pages = kind in waking and (severity in PAGES or kind in ("resolved", "digest"))
    imports = kind in ("opened", "escalated", "resolved", "test")
    wanted = {PAGER: people and pages, CHAT: people, BUS: machines, HUB: machines and imports}
    return [function for function, wants in wanted.items() if wants]


@dataclass(slots=True, eq=False)
class SimulatedReceivers:
    """Takes what the channels send, and notes it."""

    kernel: Kernel
    journal: Journal
    _imported_at: dict[str, str] = field(default_factory=dict)

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Do what is asked, whichever service it is."""
        asked: Callable[[Mapping[str, Any], Call], Mapping[str, Any]] = getattr(self, operation)
        return asked(request, call)

    def get_secret_value(self, request: Mapping[str, Any], _: Call) -> Mapping[str, Any]:
        """The routing key."""
        return {"ARN": request["SecretId"], "SecretString": "k" * 32}

    def enqueue(self, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """PagerDuty takes an event."""
        action, key = request["event_action"], request["dedup_key"]
        self.journal.pages.append(Page(self.kernel.now, action, key, call.invocation))
        self.journal.say(self.kernel.now, f"    >>> pager: {action} {key}")
        return {}

    def put_events(self, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """The bus takes an event; now and then it refuses one, and answers kindly."""
        refused = self.kernel.now < self.journal.calm_at and call.luck.chance(0.05)
        if refused:
            wrong = {"ErrorCode": "InternalFailure", "ErrorMessage": "simulated"}
            return {"FailedEntryCount": 1, "Entries": [wrong]}
        self.journal.carried.add(call.invocation.about)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}

    def batch_import_findings(self, request: Mapping[str, Any], _: Call) -> Mapping[str, Any]:
        """Security Hub keeps the later of two updates."""
        for copy in request["Findings"]:
            if copy["UpdatedAt"] >= self._imported_at.get(copy["Id"], ""):
                self._imported_at[copy["Id"]] = copy["UpdatedAt"]
                self.journal.imported[copy["Id"]] = copy["Compliance"]["Status"]
        return {"FailedCount": 0, "SuccessCount": len(request["Findings"]), "FailedFindings": []}

    def post_card(self, told: Notification, call: Call) -> None:
        """Amazon Q renders its own schema, and drops everything else."""
        if json.loads(told.text)["source"] == "custom":
            self.journal.carried.add(call.invocation.about)


def poster(gateway: Gateway, current: Callable[[], Running]) -> Callable[..., Any]:
    """What posts to PagerDuty in the place of HTTP."""

    def post(_url: str, body: bytes, _headers: Mapping[str, str], _seconds: float) -> Any:
        try:
            gateway.call(current(), "pagerduty", "enqueue", json.loads(body))
        except HttpAnswerError as told:
            return SimpleNamespace(status=told.status, headers={}, body=told.body)
        return SimpleNamespace(status=202, headers={}, body=_TAKEN)

    return post
