"""Keeps Security Hub's copy of each finding as the finding stands.

A queue feeds it: Security Hub takes 100 findings a call and 10 calls a second, and a flood brings
thousands of messages at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.channels.interface import Findings, Relayed
from chalicelib.channels.received import Alarm, Received
from chalicelib.channels.security_hub.asff import asff_of
from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Alert
from chalicelib.domain.findings import AlertType, Finding
from chalicelib.log import log
from chalicelib.messages.body import body_of


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityHub:
    """Security Hub in the deployment's own account and region."""

    findings: Findings
    put: Callable[[list[dict[str, Any]]], Mapping[str, str]]
    """Imports findings; returns the ids of those refused, and why. Raises what AWS refuses."""
    importer: Account
    region: str
    clock: Callable[[], datetime]

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Import what the messages are about, each finding once, in one call."""
        copies = [self._copy(message) for message in messages]
        latest = {copy["Id"]: copy for copy in copies if copy}
        refused = self.put(list(latest.values())) if latest else {}
        for finding_id, why in refused.items():
            log("import_refused", finding_id=finding_id, error=why)
        return [_became(copy, refused) for copy in copies]

    def _copy(self, message: Received | Alarm) -> dict[str, Any]:
        """The finding in Security Hub's format; empty for a message about none.

        The clock goes first: who saw the finding open then has the earlier time, and loses.
        """
        if isinstance(message, Alarm) or message.body["finding"] is None:
            return {}
        now = self.clock()
        body = message.body
        current = self.findings.by_id(message.about["id"])
        if isinstance(current, Finding) and not message.is_test:
            body = body_of(Alert(AlertType.OPENED, current))  # its finding, however it stands
        return asff_of(
            body["finding"],
            body["remediation"],
            importer=self.importer,
            region=self.region,
            updated_at=now,
            test=message.is_test,
        )


def _became(copy: Mapping[str, Any], refused: Mapping[str, str]) -> Relayed:
    if not copy:
        return Relayed.IGNORED
    return Relayed.REFUSED if copy["Id"] in refused else Relayed.SENT
