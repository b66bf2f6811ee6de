"""The exemptions in force: one document in SSM Parameter Store, read with a short cache.

A broken document is refused; the last good one, which is kept in the state table, stays in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.account import Account, User
from chalicelib.domain.alerts import Notice, configuration_notice
from chalicelib.domain.exemptions import (
    Exempt,
    Exemptions,
    InvalidConfigurationError,
    NotExempt,
    parse,
)
from chalicelib.flows.ports import Documents
from chalicelib.log import log
from chalicelib.times import exact, parse_time

CACHED_FOR = timedelta(seconds=15)
TELL_AGAIN_AFTER = timedelta(days=1)
DOCUMENT = "configuration"
"""What the monitor notes of the documents that it read: the last `good` one, and one `refused`."""


@dataclass(frozen=True, slots=True)
class InForce:
    """The exemptions in force; `faults` are of a newer document that is refused."""

    exemptions: Exemptions
    faults: tuple[str, ...] = ()


def in_force(text: str, stored: Mapping[str, Any]) -> InForce:
    """What the parameter's text and the monitor's note of earlier ones come to, for all who ask."""
    try:
        return InForce(_parsed(text))
    except InvalidConfigurationError as error:
        return InForce(_parsed(stored.get("good", "")), error.faults)


@dataclass(slots=True, kw_only=True)
class ExemptionsInForce:
    """Answers who is exempt, from the newest document that is valid."""

    read: Callable[[], str]
    documents: Documents
    tell: Callable[[Notice], None]
    clock: Callable[[], datetime]
    _exemptions: Exemptions = field(default_factory=Exemptions)
    _read_at: datetime | None = None

    def exemption(self, account: Account, user: User, now: datetime) -> Exempt | NotExempt:
        """Whether the user is exempt. Raises what Parameter Store or the table raise."""
        return self.exemptions(account).match(user, now)

    def exemptions(self, account: Account) -> Exemptions:
        """The exemptions in force, seconds old at most."""
        now = self.clock()
        if self._read_at is None or now - self._read_at >= CACHED_FOR:
            self._exemptions = self._fresh(account, now)
            self._read_at = now
        return self._exemptions

    def _fresh(self, account: Account, now: datetime) -> Exemptions:
        text = self.read()
        stored = self.documents.document(account, DOCUMENT)
        found = in_force(text, stored)
        if found.faults:
            self._refuse(account, text, stored, found.faults, now)
        elif stored.get("good", "") != text or stored.get("refused"):
            self.documents.write_document(account, DOCUMENT, {"good": text})
        return found.exemptions

    def _refuse(
        self,
        account: Account,
        text: str,
        stored: Mapping[str, Any],
        faults: tuple[str, ...],
        now: datetime,
    ) -> None:
        told_at = stored.get("told_at") if stored.get("refused") == text else None
        log("configuration_refused", faults=list(faults))
        if told_at is None or now - parse_time(told_at) >= TELL_AGAIN_AFTER:
            self.tell(configuration_notice(account, faults))
            good = stored.get("good", "")
            content = {"good": good, "refused": text, "told_at": exact(now)}
            self.documents.write_document(account, DOCUMENT, content)


def _parsed(text: str) -> Exemptions:
    """Without any document users are exempt by tags alone."""
    return parse(text) if text else Exemptions()
