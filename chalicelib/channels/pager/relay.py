"""Opens an incident for each finding and digest, once, and closes it, once.

PagerDuty opens a new incident for a trigger that comes after its resolve. So a finding is looked at
before it is paged, and again after: it may have ended meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.channels.interface import Findings, Relayed
from chalicelib.channels.pager.incidents import Action, PagerDutyEvent, event_of, resolve
from chalicelib.channels.pager.memory import Memory
from chalicelib.channels.received import DEPLOYED, Alarm, Received
from chalicelib.domain.account import Account
from chalicelib.domain.findings import Finding, Status
from chalicelib.domain.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerSettings:
    """The secret that holds the routing key, where events go, and the severities that page."""

    pagerduty_secret_arn: str
    pagerduty_url: str
    pagerduty_severities: tuple[Severity, ...]


class Send(Protocol):
    """Sends events to PagerDuty."""

    def __call__(self, event: PagerDutyEvent, is_over: Callable[[], bool] = ..., /) -> None:
        """Send, or raise if PagerDuty did not take it; try no more once what it tells is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """The pager of whoever is on call."""

    findings: Findings
    is_flood_over: Callable[[Account, str], bool]
    severities: tuple[Severity, ...]
    memory: Memory
    send: Send

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Page for each message."""
        return [self._page(message) for message in messages]

    def _page(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            return Relayed.IGNORED if message.state == DEPLOYED else self._follow(message)
        if _only_reminds(message):
            return Relayed.IGNORED
        event = event_of(message)
        pages = message.severity in self.severities
        if event.action is Action.RESOLVE:
            return self._close(message, event, certainly=pages)
        if not pages:
            return Relayed.IGNORED
        if self._is_over(message):
            # a trigger would open an incident that nothing closes; one may have got out before
            self._close(message, event, certainly=False)
            return Relayed.OVER
        self.memory.note(message.account, event.dedup_key)
        self.send(event, lambda: self._is_over(message))
        if self._is_over(message):
            self.send(resolve(event))  # its own resolve may have come before this trigger
        return Relayed.SENT

    def _close(self, message: Received, event: PagerDutyEvent, *, certainly: bool) -> Relayed:
        """Close the incident if there was one: `certainly` also where none is remembered.

        What was opened is closed whatever pages by now, and whatever was opened by a version that
        remembered nothing.
        """
        if certainly or self.memory.was_opened(message.account, event.dedup_key):
            self.send(resolve(event))
            return Relayed.SENT
        return Relayed.IGNORED

    def _follow(self, alarm: Alarm) -> Relayed:
        """Bring the alarm's incident to where the alarm stands by the latest message.

        Messages overtake one another, and so would our own events: one worker at a time sends, and
        what is heard meanwhile it sends after that. INSUFFICIENT_DATA comes of alarms alone that
        ask for it, and is no OK.
        """
        latest = self.memory.hear(alarm)
        became = Relayed.SENT if latest and latest.state == alarm.state else Relayed.OVER
        while latest:
            try:
                self.send(event_of(latest))
            except Exception:  # whatever it is, the turn must not wait for its end; it is raised on
                self.memory.give_up_turn(latest)
                raise
            latest = self.memory.end_turn(latest)
        return became

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
    """Whether it tells of nothing new: PagerDuty reminds by itself."""
    if message.type == "digest":
        return message.about.get("of") == "reminder"
    return message.type in ("reminder", "flapping")
