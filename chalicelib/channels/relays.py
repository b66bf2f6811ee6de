"""From the alert topic to the channels that need more than SNS gives: pager, chat, Security Hub.

SNS delivers at least once and in no promised order, and a failed function is run again minutes
later. So what is sent follows how the finding stands now, not what the message said when it was
published; and it is looked at again after sending, since it may have changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from chalicelib.channels.chat.card import card
from chalicelib.channels.pager.incidents import Action, Page, page_of, resolve
from chalicelib.channels.received import (
    Alarm,
    MalformedMessageError,
    Received,
    message_of,
    received,
)
from chalicelib.channels.security_hub.asff import asff_of
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert
from chalicelib.domain.findings import AlertType, Finding, NoFinding, Status
from chalicelib.log import log
from chalicelib.messages.body import body_of


class Relayed(StrEnum):
    """What became of a message."""

    SENT = "sent"
    OVER = "over"
    """Nothing was opened: what the message was about is over already."""
    IGNORED = "ignored"


class FindingsById(Protocol):
    """Findings by the id that messages carry."""

    def by_id(self, finding_id: str) -> Finding | NoFinding:
        """The finding as it stands, read consistently."""


class Pager(Protocol):
    """Takes events for the on-call pager."""

    def send(self, page: Page) -> None:
        """Send it, or raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerRelay:
    """Opens an incident for each finding and digest, once, and closes it, once."""

    findings: FindingsById
    is_flood_over: Callable[[Account, str], bool]
    pager: Pager

    def relay(self, event: Mapping[str, Any]) -> list[Relayed]:
        """Page for each message. Raises MalformedMessageError, PagerError, and what AWS refuses."""
        return [self._page(message) for message in received(event)]

    def _page(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            if message.state not in ("ALARM", "OK"):
                return Relayed.IGNORED
            self.pager.send(page_of(message))
            return Relayed.SENT
        if _only_reminds(message):
            return Relayed.IGNORED
        page = page_of(message)
        if page.action is Action.RESOLVE:
            self.pager.send(page)
            return Relayed.SENT
        if self._is_over(message):
            return Relayed.OVER  # a trigger would open an incident that nothing closes
        self.pager.send(page)
        if self._is_over(message):
            self.pager.send(resolve(page))  # its own resolve may have come before this trigger
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


@dataclass(frozen=True, slots=True)
class ChatRelay:
    """Posts a card for each message to the topic that chat subscribes to."""

    post: Callable[[Mapping[str, Any]], None]

    def relay(self, event: Mapping[str, Any]) -> list[Relayed]:
        """Post each message. Raises MalformedMessageError, and what SNS refuses."""
        return [self._post(message) for message in received(event)]

    def _post(self, message: Received | Alarm) -> Relayed:
        if isinstance(message, Alarm):
            return Relayed.IGNORED  # Amazon Q renders alarms itself
        self.post(card(message))
        return Relayed.SENT


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityHubRelay:
    """Keeps Security Hub's copy of each finding as the finding stands.

    A queue lies in between: Security Hub takes 100 findings a call and 10 calls a second, and a
    flood brings thousands of messages at once.
    """

    findings: FindingsById
    put: Callable[[list[dict[str, Any]]], Mapping[str, str]]
    """Imports findings; returns the ids of those refused, and why."""
    importer: Account
    region: str
    clock: Callable[[], datetime]

    def relay(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Import a batch of the queue; name the messages that are to come again.

        Raises what Security Hub or the table refuse as a whole: then all come again.
        """
        failed: list[str] = []
        found: dict[str, dict[str, Any]] = {}
        about: dict[str, str] = {}
        for record in event["Records"]:
            message_id = record["messageId"]
            try:
                message = message_of(record["body"])
            except MalformedMessageError as error:
                log("import_unreadable", error=str(error))
                failed.append(message_id)
                continue
            if isinstance(message, Received) and message.body["finding"] is not None:
                finding = self._asff(message)
                found[finding["Id"]] = finding  # of several messages on one, the last stands
                about[message_id] = finding["Id"]
        refused = self.put(list(found.values())) if found else {}
        for finding_id, why in refused.items():
            log("import_refused", finding_id=finding_id, error=why)
        failed += [message_id for message_id, about_id in about.items() if about_id in refused]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _asff(self, message: Received) -> dict[str, Any]:
        """The clock goes first: who saw the finding open then has the earlier time, and loses."""
        now = self.clock()
        body = message.body
        current = self.findings.by_id(message.about["id"])
        if isinstance(current, Finding) and not message.is_test:
            over = current.status is Status.RESOLVED
            body = body_of(Alert(AlertType.RESOLVED if over else AlertType.OPENED, current))
        return asff_of(
            body["finding"],
            body["remediation"],
            importer=self.importer,
            region=self.region,
            updated_at=now,
            test=message.is_test,
        )
