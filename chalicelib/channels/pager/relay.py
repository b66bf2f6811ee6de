"""Opens an incident for each finding and digest, once, and closes it, once.

PagerDuty opens a new incident for a trigger that comes after its resolve. So a finding is looked at
before it is paged, and again after: it may have ended meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from chalicelib.channels.interface import Findings, Relayed
from chalicelib.channels.pager.incidents import Action, PagerDutyEvent, event_of, resolve
from chalicelib.channels.received import Alarm, Received
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerSettings:
    """The secret that holds the routing key, and the address that events go to."""

    pagerduty_secret_arn: str
    pagerduty_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """The pager of whoever is on call. `send` raises if PagerDuty did not take the event."""

    findings: Findings
    is_flood_over: Callable[[Account, str], bool]
    send: Callable[[PagerDutyEvent], None]

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Page for each message."""
        return [self._page(message) for message in messages]

    def _page(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            if message.state not in ("ALARM", "OK"):
                return Relayed.IGNORED
            self.send(event_of(message))
            return Relayed.SENT
        if _only_reminds(message):
            return Relayed.IGNORED
        event = event_of(message)
        if event.action is Action.RESOLVE:
            self.send(event)
            return Relayed.SENT
        if self._is_over(message):
            return Relayed.OVER  # a trigger would open an incident that nothing closes
        self.send(event)
        if self._is_over(message):
            self.send(resolve(event))  # its own resolve may have come before this trigger
        return Relayed.SENT

    def _is_over(self, message: Received) -> bool:
        if message.is_test:
            return False
        if message.type == "digest":
            return self.is_flood_over(message.account, message.about["id"])
        if message.body["finding"] is None:
            return False
        finding = self.findings.by_id(message.about["id"])
        return isinstance(finding, Finding) and finding.status is Status.RESOLVED


def _only_reminds(message: Received) -> bool:
    """Whether people on call have been told: each of these findings has an incident of its own."""
    if message.type == "digest":
        return bool(message.about["open"]) and not message.about["told_here_alone"]
    return message.type in ("reminder", "flapping")
