"""What may be said to people and machines: an alert on a finding, a notice, a digest of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.domain.account import Account
from chalicelib.domain.facts import Mark
from chalicelib.domain.findings import AlertType, Finding
from chalicelib.domain.severity import Severity
from chalicelib.text import counted

WORST_NAMED = 10
"""How many findings a digest names: what fits on one screen."""


class Audience(StrEnum):
    """Whom a message is for: the topic's subscriptions filter on it."""

    ALL = "all"
    PEOPLE = "people"
    MACHINES = "machines"


@dataclass(frozen=True, slots=True)
class Alert:
    """One message about a finding. A `test` is about one that was made up, and says so."""

    type: AlertType
    finding: Finding
    test: bool = False

    @property
    def is_test(self) -> bool:
        """Whether nothing is the matter."""
        return self.test or self.type is AlertType.TEST

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.finding.severity

    @property
    def account(self) -> Account:
        """Where it is."""
        return self.finding.account

    @property
    def audience(self) -> Audience:
        """Machines alone where a digest tells people."""
        return Audience.MACHINES if self.finding.muted else Audience.ALL


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is about no finding: a user who flaps, or the monitor's own health."""

    type: AlertType
    severity: Severity
    account: Account
    title: str
    detail: str
    user_name: str = ""
    is_test: bool = False

    @property
    def audience(self) -> Audience:
        """Everybody."""
        return Audience.ALL


@dataclass(frozen=True, slots=True)
class Digest:
    """One message for people about many findings: `of` what, openings, escalations or reminders.

    `digest_id` stays the same from the first digest of a flood to the one that says it is over.
    `open` counts those that are open and of which it alone tells, `told_here_alone` those of them
    of which people never got an alert of their own. `announced` counts all that came to it in all
    its time, `told_singly` those of them that had an alert of their own, `new` what has come since
    the last one, and `strays` all open findings of the account. `severity` is the worst of all that
    time; `severity_here` leaves out whoever was told of singly.
    """

    account: Account
    digest_id: str
    at: datetime
    of: AlertType
    severity: Severity
    severity_here: Severity
    announced: int
    told_singly: int
    new: int
    open: int
    told_here_alone: int
    strays: int
    by_severity: tuple[tuple[Severity, int], ...]
    worst: tuple[Finding, ...]
    is_test: bool = False

    @property
    def type(self) -> AlertType:
        """Always `digest`."""
        return AlertType.DIGEST

    @property
    def audience(self) -> Audience:
        """People: machines have been told of each finding."""
        return Audience.PEOPLE


Message = Alert | Notice | Digest


def digest_of(
    account: Account,
    findings: Iterable[Finding],
    *,
    digest_id: str,
    at: datetime,
    of: AlertType = AlertType.OPENED,
    loud: Iterable[Finding] = (),
    announced: int = 0,
    told_singly: int = 0,
    new: int = 0,
    strays: int = 0,
    at_least: Severity = Severity.LOW,
    here_at_least: Severity = Severity.LOW,
    test: bool = False,
) -> Digest:
    """How things stand with open findings that are told of together.

    The worst and oldest stand first, the `loud` ones among them, who were told of by themselves.
    """
    found = tuple(findings)
    worst = sorted((*found, *loud), key=lambda f: (-f.severity, f.stray_since, f.finding_id))
    counts = Counter(finding.severity for finding in found)
    return Digest(
        account=account,
        digest_id=digest_id,
        at=at,
        of=of,
        severity=max([at_least, *(finding.severity for finding in worst)]),
        severity_here=max([here_at_least, *counts]),
        announced=max(announced, len(worst)),
        told_singly=told_singly,
        new=new,
        open=len(found),
        told_here_alone=sum(finding.quiet for finding in found),
        strays=max(strays, len(worst)),
        by_severity=tuple(sorted(counts.items(), reverse=True)),
        worst=tuple(worst[:WORST_NAMED]),
        is_test=test,
    )


def flapping_notice(mark: Mark, episodes: int) -> Notice:
    """Say that a user keeps leaving its groups and joining again before the grace is over."""
    return Notice(
        type=AlertType.FLAPPING,
        severity=Severity.MEDIUM,
        account=mark.account,
        title=f"{mark.user_name} keeps leaving its groups",
        detail=(
            f"The user has been in no group {episodes} times within a day, and joined one each"
            " time before the grace period was over. No finding was opened."
        ),
        user_name=mark.user_name,
    )


def missed_events_notice(account: Account, missed: int) -> Notice:
    """Say that the event path has gone blind: a sweep found what events should have told."""
    return _of_health(
        account,
        "Straywatch is missing events",
        f"The last sweep period found {counted(missed, 'user')} in no group of whom no event told."
        " They are reported late until the event path works again; `straywatch doctor` looks"
        " for the reason.",
    )


def unreadable_notice(account: Account, failures: int, error: str) -> Notice:
    """Say that a member has not let itself be read for some time: what it holds is unknown."""
    return _of_health(
        account,
        "Straywatch cannot read an account",
        f"Its last {failures} sweeps failed, and what its users are is unknown: {error}."
        " `straywatch org status` tells what is wrong with which account.",
    )


def silent_notice(account: Account, error: str) -> Notice:
    """Say that a member's events come no longer: what happens there waits for its next sweep."""
    return _of_health(
        account,
        "Straywatch no longer hears an account",
        f"Its events do not reach the hub: {error}. Until its member's stack is repaired, what"
        " happens there is found by sweeps alone.",
    )


def configuration_notice(account: Account, faults: tuple[str, ...]) -> Notice:
    """Say that a configuration is refused, why, and what is in force instead."""
    told = "The last good configuration stays in force. Faults: " + "; ".join(faults)[:3000] + "."
    return _of_health(account, "Straywatch refuses its configuration", told)


def _of_health(account: Account, title: str, detail: str) -> Notice:
    return Notice(AlertType.HEALTH, Severity.HIGH, account, title, detail)
