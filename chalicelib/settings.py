"""The settings of a deployment, read from the function's environment and validated at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TypeVar

from chalicelib.domain.severity import Severity

LONGEST_GRACE_SECONDS = 7 * 24 * 3600

S = TypeVar("S")


class InvalidSettingsError(Exception):
    """One or more settings are missing or out of range; the message names every one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may choose, in seconds, hours, days or counts as the names say."""

    stack_name: str
    alert_topic_arn: str
    check_queue_url: str
    dead_letter_queue_url: str
    findings_table: str
    state_table: str
    config_parameter: str
    grace_period_seconds: int
    reminder_hours: int
    reminders_max: int
    escalate_hours: int
    flapping_episodes: int
    missed_events_alert: int
    digest_above: int
    always_tell_severity: Severity
    keep_resolved_days: int
    iam_lag_seconds: int

    @property
    def grace(self) -> timedelta:
        """How long a user may be a stray before it is a violation."""
        return timedelta(seconds=self.grace_period_seconds)

    @property
    def iam_lag(self) -> timedelta:
        """For how long IAM may still show what was before a change.

        A look that contradicts younger news is taken again. AWS promises no bound: mostly it is
        about two seconds, and minutes have been seen.
        """
        return timedelta(seconds=self.iam_lag_seconds)

    @property
    def keep_resolved(self) -> timedelta:
        """How long a resolved finding is kept as evidence."""
        return timedelta(days=self.keep_resolved_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationSettings:
    """What a hub is told of its organization. `accounts` is `organization`, or a list of ids."""

    organization_id: str
    organization_accounts: str
    organization_include: str
    organization_exclude: str
    member_role_name: str
    owner_tag: str
    unreadable_alert: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FanOutSettings:
    """What the sweep alone is told of it."""

    sweep_queue_url: str


_RANGES = {
    "grace_period_seconds": (0, LONGEST_GRACE_SECONDS),
    "iam_lag_seconds": (0, 900),
}
_ANY_COUNT = (0, 1_000_000)


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Read the settings that every function has. Raises InvalidSettingsError."""
    return read_settings(Settings, environment)


def read_settings(kind: type[S], environment: Mapping[str, str]) -> S:
    """Read the settings that a dataclass of texts, whole numbers and severities names.

    Each is the upper-case variable of its field's name; a channel declares its own like this.
    Raises InvalidSettingsError, which names every fault.
    """
    values: dict[str, object] = {}
    faults: list[str] = []
    for field in fields(kind):  # type: ignore[arg-type]  # a dataclass: the docstring asks for one
        variable = field.name.upper()
        text = environment.get(variable, "")
        try:
            values[field.name] = _read(str(field.type), field.name, text)
        except ValueError as error:
            faults.append(f"{variable} is {error}")
    if faults:
        raise InvalidSettingsError("; ".join(faults))
    return kind(**values)


def _read(kind: str, name: str, text: str) -> object:
    """Read one setting. Raises ValueError, which says what it is instead."""
    if not text:
        raise ValueError("not set")
    match kind:
        case "str":
            return text
        case "Severity":
            return _severity(text)
        case "tuple[Severity, ...]":
            return tuple(_severity(each.strip()) for each in text.split(","))
        case _:
            low, high = _RANGES.get(name, _ANY_COUNT)
            if text.isascii() and text.isdigit() and low <= int(text) <= high:
                return int(text)
            raise ValueError(f"{text[:40]!r}, not a whole number {low}-{high}")


def _severity(text: str) -> Severity:
    if text not in Severity.__members__:
        raise ValueError(f"{text[:40]!r}, none of {', '.join(Severity.__members__)}")
    return Severity[text]
