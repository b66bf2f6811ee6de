"""What the flows ask of the world: adapters answer on AWS, fakes in tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.account import Account, Look, NoSuchUser, User
from chalicelib.domain.alerts import Message
from chalicelib.domain.check_requests import CheckRequest, DigestRequest
from chalicelib.domain.findings import Finding, NoFinding, Write
from chalicelib.domain.marks import Mark


class LiveIam(Protocol):
    """Live looks at IAM."""

    def look(self, user_name: str) -> Look:
        """The user's groups; or the user itself, in no group; or that it does not exist."""

    def user(self, user_name: str) -> User | NoSuchUser:
        """The user, or that it does not exist."""


class Findings(Protocol):
    """Where findings live."""

    def latest(self, account: Account, user_id: str) -> Finding | NoFinding:
        """The user's newest finding."""

    def add(self, finding: Finding) -> Write:
        """Store a finding that must be new."""

    def update(self, finding: Finding) -> Write:
        """Replace the version that was read."""


class Marks(Protocol):
    """Where marks live."""

    def mark(self, account: Account, user_name: str) -> Mark:
        """What is known of the name."""

    def write(self, mark: Mark) -> Write:
        """Replace the version that was read."""


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


class Queue(Protocol):
    """Where requests wait."""

    def send(self, request: CheckRequest | DigestRequest, due: datetime, now: datetime) -> datetime:
        """Queue the request until it is due; return when it is handed over, due or not."""


class Topic(Protocol):
    """Where messages go."""

    def publish(self, message: Message) -> None:
        """Publish, or raise."""
