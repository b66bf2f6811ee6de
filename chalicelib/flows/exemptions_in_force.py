"""The exemptions in force: one document in SSM Parameter Store, read anew where it decides.

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
    Parameter,
    parse,
    unpaused,
)
from chalicelib.flows.ports import Documents
from chalicelib.log import log
from chalicelib.times import exact, parse_time

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
        good = stored.get("good", "")
        return InForce(_parsed(good, was_in_force=True), error.faults)


@dataclass(slots=True, kw_only=True)
class ExemptionsInForce:
    """Answers who is exempt, from the newest document that is valid."""

    read: Callable[[], Parameter]
    documents: Documents
    tell: Callable[[Notice], None]
    clock: Callable[[], datetime]
    units: tuple[str, ...] = ()
    """The units of the organization above the account that is looked at."""
    _exemptions: Exemptions = field(default_factory=Exemptions)
    _read_at: datetime | None = None
    _noted: str = ""
    """Which edition of the document this function has noted as good: once for each is enough."""

    def exemption(
        self, account: Account, user: User, at: datetime, age: timedelta
    ) -> Exempt | NotExempt:
        """Whether the user is exempt at a time, by a document that was read `age` ago at most.

        Raises what Parameter Store or the table raise.
        """
        return self._current(account, age).match(user, at, self.units)

    def held_until(self, account: Account, age: timedelta) -> datetime:
        """When what is to be told now may be told: at once, or when the pause is over.

        Raises what Parameter Store or the table raise.
        """
        now, pause = self.clock(), self._current(account, age).pause
        return pause.held_until(now) if pause else now

    def _current(self, account: Account, age: timedelta) -> Exemptions:
        now = self.clock()
        if self._read_at is None or now - self._read_at > age or not age:
            self._exemptions = self._fresh(account, now)
            self._read_at = now
        return self._exemptions

    def _fresh(self, account: Account, now: datetime) -> Exemptions:
        parameter = self.read()
        if self._noted and parameter.edition == self._noted:
            return self._exemptions
        text, stored = parameter.text, self.documents.document(account, DOCUMENT)
        found = in_force(text, stored)
        if found.faults:
            self._noted = ""
            self._refuse(account, text, stored, found.faults, now)
            return found.exemptions
        # what stays in force must be read by the release before, too, which knew no pause
        content = {"good": unpaused(text), **({"paused": text} if found.exemptions.pause else {})}
        told = {name: stored[name] for name in ("good", "paused", "refused") if stored.get(name)}
        if told != {name: kept for name, kept in content.items() if kept}:
            self.documents.write_document(account, DOCUMENT, content)
        self._noted = parameter.edition
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


def _parsed(text: str, *, was_in_force: bool = False) -> Exemptions:
    """Without any document users are exempt by tags alone."""
    return parse(text, was_in_force=was_in_force) if text else Exemptions()
