"""What a digest counts, and what notices say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.alerts import (
    WORST_NAMED,
    Alert,
    Audience,
    Digest,
    configuration_notice,
    digest_of,
)
from chalicelib.domain.findings import AlertType, Finding
from chalicelib.domain.severity import Severity
from tests.unit.finding_samples import OPENED
from tests.unit.records import ACCOUNT, NOW


def finding(number: int, severity: Severity = Severity.MEDIUM, *, quiet: bool = True) -> Finding:
    """One of many, the later the higher its number."""
    since = NOW + timedelta(minutes=number)
    return replace(OPENED, number=number, severity=severity, stray_since=since, quiet=quiet)


MEDIUM, LOW = finding(1), finding(2, Severity.LOW, quiet=False)
LOUD = finding(3, Severity.HIGH)


def digest(found: list[Finding], **more: object) -> Digest:
    """The digest of these."""
    return digest_of(ACCOUNT, found, digest_id="d", at=NOW, **more)  # type: ignore[arg-type]  # any


def test_a_digest_counts_all_that_is_told_together() -> None:
    """The loud one is named and makes it worse, and is not among those it alone tells of."""
    told = digest([LOW, MEDIUM], loud=[LOUD])
    assert told.worst == (LOUD, MEDIUM, LOW)
    assert (told.severity, told.severity_here) == (Severity.HIGH, Severity.MEDIUM)
    assert (told.announced, told.strays, told.open, told.told_here_alone) == (3, 3, 2, 1)
    assert told.by_severity == ((Severity.MEDIUM, 1), (Severity.LOW, 1))
    assert (told.of, told.new, told.told_singly) == (AlertType.OPENED, 0, 0)
    assert not told.is_test


def test_what_a_flood_was_before_stays_in_its_digest() -> None:
    """Numbers that are over and done with, and the worst of all its time."""
    told = digest(
        [LOW], announced=9, strays=8, at_least=Severity.CRITICAL, here_at_least=Severity.HIGH
    )
    assert (told.severity, told.severity_here) == (Severity.CRITICAL, Severity.HIGH)
    assert (told.announced, told.strays) == (9, 8)


def test_a_digest_of_nothing_is_low() -> None:
    """So it is told that a flood is over."""
    told = digest([], test=True)
    assert (told.severity, told.severity_here) == (Severity.LOW, Severity.LOW)
    assert (told.announced, told.strays, told.worst, told.is_test) == (0, 0, (), True)


def test_a_digest_names_the_worst_ten() -> None:
    """The worst first, of equals the oldest."""
    many = [*(finding(number) for number in range(20, 4, -1)), LOUD]
    assert [f.number for f in digest(many).worst] == [3, *range(5, 14)]
    assert WORST_NAMED == 10, "what fits on one screen"


def test_the_faults_of_a_configuration_are_told_as_far_as_a_mail_bears() -> None:
    """All of them, or their first 3000 characters."""
    told = configuration_notice(ACCOUNT, ("one", "two"))
    assert told.detail == "The last good configuration stays in force. Faults: one; two."
    assert (told.type, told.severity) == (AlertType.HEALTH, Severity.HIGH)
    assert configuration_notice(ACCOUNT, ("x" * 9000,)).detail.count("x") == 3000


@pytest.mark.parametrize(
    ("type_", "test", "expected"),
    [
        (AlertType.OPENED, False, False),
        (AlertType.OPENED, True, True),
        (AlertType.TEST, False, True),
        (AlertType.TEST, True, True),
    ],
)
def test_an_alert_of_a_test_says_so(type_: AlertType, *, test: bool, expected: bool) -> None:
    """By its type, or since its finding was made up."""
    assert Alert(type_, OPENED, test=test).is_test is expected


@pytest.mark.parametrize(("muted", "audience"), [(True, Audience.MACHINES), (False, Audience.ALL)])
def test_who_is_in_a_digest_is_told_to_machines_alone(*, muted: bool, audience: Audience) -> None:
    """People have it from the digest."""
    assert Alert(AlertType.OPENED, replace(OPENED, muted=muted)).audience is audience
