"""What the flows ask of the world: adapters answer on AWS, fakes in tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.account import Account, Look, NoSuchUser, User
from chalicelib.domain.alerts import Message
from chalicelib.domain.check_requests import CheckRequest, DigestRequest
from chalicelib.domain.facts import Mark, News
from chalicelib.domain.findings import Finding, NoFinding, Write


class LiveIam(Protocol):
    """Live looks at IAM."""

    def look(self, user_name: str) -> Look:
        """The user's groups; or the user itself, in no group; or that it does not exist."""

    def user(self, user_name: str) -> User | NoSuchUser:
        """The user, or that it does not exist."""


class Memory(Protocol):
    """What the monitor knows: marks by name, findings by user id."""

    def read(
        self, account: Account, user_name: str, finding_ids: tuple[str, ...]
    ) -> tuple[Mark, Mapping[str, Finding | NoFinding]]:
        """The name's mark and these findings, in one call."""

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name."""

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""


class Ledger(Memory, Protocol):
    """What is known, and all that changes it."""

    def note(self, mark: Mark, news: News, now: datetime) -> Mark:
        """Add news to a name's mark, whatever it holds by now; return all that it holds then."""

    def add(self, finding: Finding, mark: Mark, news: News, now: datetime) -> Write:
        """Store a finding that must be new, with news, if the mark is as it was read."""

    def update(self, finding: Finding, mark: Mark | None = None, news: News | None = None) -> Write:
        """Replace the version of a finding that was read; with news, if the mark is as it was."""


class Documents(Protocol):
    """Small documents of an account."""

    def document(self, account: Account, name: str) -> Mapping[str, Any]:
        """A small document, empty where there is none."""

    def write_document(self, account: Account, name: str, content: Mapping[str, Any]) -> None:
        """Store a small document."""


class SharedDocuments(Protocol):
    """Small documents that many workers change at once."""

    def document(self, account: Account, name: str) -> Mapping[str, Any]:
        """A small document, empty where there is none."""

    def swap_document(self, account: Account, name: str, content: Mapping[str, Any]) -> Write:
        """Replace the version that was read (0: none)."""


class SweepState(Documents, Protocol):
    """What a sweep leaves for the next one, and all marks."""

    def marks(self, account: Account) -> Mapping[str, Mark]:
        """All marks of the account by lower-case name."""


class LiveFindings(Protocol):
    """The findings that a sweep goes through, and the record of its own that it leaves there."""

    def live(self, account: Account) -> Iterator[Finding]:
        """The account's findings that are open, or have an alert to be sent."""

    def record_sweep(
        self, account: Account, started_at: datetime, result: Mapping[str, Any]
    ) -> None:
        """Keep one small item for each whole sweep."""


class Queue(Protocol):
    """Where requests wait."""

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Queue the request until it is due; return when it is handed over, due or not."""


class Topic(Protocol):
    """Where messages go."""

    def publish(self, message: Message) -> None:
        """Publish, or raise."""
