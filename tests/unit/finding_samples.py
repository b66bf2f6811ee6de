"""A finding about bob as it opens, and settings with which time does its work on it."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.account import User
from chalicelib.domain.facts import Evidence, StraySince
from chalicelib.domain.findings import Reason, Resolution, open_finding
from chalicelib.domain.severity import Severity
from chalicelib.settings import Settings, settings_from
from tests.unit.environment import ENVIRONMENT
from tests.unit.records import ACCOUNT, NOW, USER_ID, at, event

BOB = User(USER_ID, "bob", "arn:aws:iam::123456789012:user/bob", "/", at(-5000))
JOINED = Resolution(Reason.JOINED_GROUP, ("nurses",))
OPENED = open_finding(
    ACCOUNT,
    BOB,
    StraySince(at(-900), Evidence.EVENT),
    number=1,
    now=NOW,
    severity=Severity.MEDIUM,
    risk="it has a password",
    detected_by="event",
    cause=event("RemoveUserFromGroup", -900).cause,
    flaps=2,
)


def chosen(**variables: str) -> Settings:
    """Settings with some of the variables changed."""
    environment: Mapping[str, str] = ENVIRONMENT | variables
    return settings_from(environment)


SETTINGS = chosen()
"""A reminder each 24 h, three at most; escalation after 72 h."""
