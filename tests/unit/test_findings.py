"""The life of a finding: opened, reminded of, escalated, resolved; each alert once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain.findings import (
    CLAIM,
    Acknowledgement,
    AlertType,
    Finding,
    Status,
    claimed,
    is_half_graded,
    may_send,
    moved_on,
    regraded,
    renamed,
    resolve,
    sent,
    sent_by,
)
from chalicelib.domain.risk import Risk
from chalicelib.domain.severity import Severity
from chalicelib.settings import Settings
from straywatch.deploy.packaging import SOURCES
from tests.unit.finding_samples import BOB, JOINED, OPENED, SETTINGS, chosen
from tests.unit.records import NOW, USER_ID, at

HOUR = timedelta(hours=1)
TOLD = sent(OPENED)


def lived(
    hours: int, settings: Settings = SETTINGS, finding: Finding = TOLD
) -> list[tuple[int, str]]:
    """What falls due, and after how many hours, if somebody looks every hour."""
    told = []
    for hour in range(1, hours + 1):
        moved = moved_on(finding, settings, NOW + hour * HOUR)
        if moved != finding:
            told.append((hour, str(moved.outbox[0])))
            moved = sent(moved)
        finding = moved
    return told


def test_a_new_finding_is_open_and_has_one_alert_to_send() -> None:
    """The alert is in the finding's outbox before it is published: a crash cannot lose it."""
    assert (OPENED.status, OPENED.outbox) == (Status.OPEN, (AlertType.OPENED,))
    assert OPENED.opened_at == NOW
    assert OPENED.stray_since == at(-900)


def test_its_id_names_account_user_and_episode() -> None:
    """Every repeat of a message carries the same id, so that receivers can drop it."""
    assert OPENED.finding_id == f"aws:123456789012:{USER_ID}:1"
    assert replace(OPENED, number=2).finding_id == f"aws:123456789012:{USER_ID}:2"


def test_a_rename_changes_the_name_and_not_the_finding() -> None:
    """Identity is the user id."""
    rob = replace(BOB, name="rob", arn="arn:aws:iam::123456789012:user/rob")
    after = renamed(OPENED, rob)
    assert (after.user_name, after.finding_id) == ("rob", OPENED.finding_id)


# -- time passes -------------------------------------------------------------------------------


def test_an_open_finding_reminds_and_escalates() -> None:
    """A reminder each day, up to three, and one escalation on the third day, in its stead."""
    assert lived(400) == [
        (24, "reminder"),
        (48, "reminder"),
        (72, "escalated"),
        (96, "reminder"),
    ]


def test_escalation_raises_the_severity_once() -> None:
    """What nobody mended for days is worse than it was."""
    after = moved_on(TOLD, SETTINGS, NOW + 72 * HOUR)
    assert (after.severity, after.escalated_at) == (Severity.HIGH, NOW + 72 * HOUR)
    later = moved_on(sent(after), SETTINGS, NOW + 200 * HOUR)
    assert (later.severity, later.outbox) == (Severity.HIGH, (AlertType.REMINDER,))


def test_nothing_is_worse_than_critical() -> None:
    """Escalation says so all the same."""
    finding = replace(TOLD, severity=Severity.CRITICAL)
    after = moved_on(finding, SETTINGS, NOW + 72 * HOUR)
    assert (after.severity, after.outbox) == (Severity.CRITICAL, (AlertType.ESCALATED,))


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"REMINDER_HOURS": "0"}, [(72, "escalated")]),
        ({"REMINDERS_MAX": "0"}, [(72, "escalated")]),
        ({"REMINDERS_MAX": "1"}, [(24, "reminder"), (72, "escalated")]),
        ({"ESCALATE_HOURS": "0"}, [(24, "reminder"), (48, "reminder"), (72, "reminder")]),
        ({"ESCALATE_HOURS": "0", "REMINDER_HOURS": "0"}, []),
        ({"ESCALATE_HOURS": "1", "REMINDERS_MAX": "1"}, [(1, "escalated"), (25, "reminder")]),
    ],
)
def test_each_can_be_switched_off(variables: dict[str, str], told: list[tuple[int, str]]) -> None:
    """Zero means never."""
    assert lived(400, chosen(**variables)) == told


def test_not_a_moment_too_early() -> None:
    """A reminder is due a whole period after the alert before it."""
    due = NOW + 24 * HOUR
    assert moved_on(TOLD, SETTINGS, due - timedelta(microseconds=1)) == TOLD
    assert moved_on(TOLD, SETTINGS, due).outbox == (AlertType.REMINDER,)


def test_an_unsent_alert_comes_first() -> None:
    """While one is to be sent nothing else falls due: it cannot be overwritten."""
    assert moved_on(OPENED, SETTINGS, NOW + 100 * HOUR) == OPENED


def test_a_resolved_finding_is_left_in_peace() -> None:
    """No reminder of what is over."""
    resolved = resolve(TOLD, JOINED, at=NOW, now=NOW)
    done = sent(resolved)
    assert moved_on(done, SETTINGS, NOW + 1000 * HOUR) == done


def test_after_a_long_outage_one_alert_catches_up() -> None:
    """A month without a sweep does not end in a burst of reminders."""
    after = moved_on(TOLD, SETTINGS, NOW + 720 * HOUR)
    assert after.outbox == (AlertType.ESCALATED,)
    assert moved_on(sent(after), SETTINGS, NOW + 721 * HOUR) == sent(after)


# -- the end -----------------------------------------------------------------------------------


def test_resolving_says_when_and_why() -> None:
    """Each opened is followed by one resolved, with its reason."""
    after = resolve(TOLD, JOINED, at=at(10), now=at(20))
    assert (after.status, after.resolved_at, after.resolution) == (Status.RESOLVED, at(10), JOINED)
    assert after.outbox == (AlertType.RESOLVED,)


def test_an_unsent_opened_goes_before_its_resolved() -> None:
    """A worker may have died between publishing and noting it: the pair stays a pair."""
    after = resolve(OPENED, JOINED, at=NOW, now=NOW)
    assert after.outbox == (AlertType.OPENED, AlertType.RESOLVED)


@pytest.mark.parametrize("unsent", [AlertType.REMINDER, AlertType.ESCALATED])
def test_an_unsent_reminder_is_dropped(unsent: AlertType) -> None:
    """To be reminded of what is over would only confuse."""
    after = resolve(replace(TOLD, outbox=(unsent,)), JOINED, at=NOW, now=NOW)
    assert after.outbox == (AlertType.RESOLVED,)


# -- who sends ---------------------------------------------------------------------------------


def test_what_one_worker_has_in_hand_no_other_sends() -> None:
    """Until the claim is over: then its worker is taken for dead."""
    assert not may_send(OPENED, NOW)
    assert not may_send(OPENED, NOW + CLAIM - timedelta(seconds=1))
    assert may_send(OPENED, NOW + CLAIM)


def test_with_nothing_to_send_there_is_nothing_to_claim() -> None:
    """Sent alerts leave the outbox, and the last takes the claim with it."""
    assert TOLD.outbox == ()
    assert TOLD.claimed_until is None
    assert not may_send(TOLD, NOW + 10 * CLAIM)


def test_the_claim_lasts_until_the_last_alert_is_out() -> None:
    """Two alerts in the outbox are one piece of work."""
    both = resolve(OPENED, JOINED, at=NOW, now=NOW)
    after = sent(both)
    assert (after.outbox, after.claimed_until) == ((AlertType.RESOLVED,), NOW + CLAIM)


def test_the_claim_outlasts_the_function() -> None:
    """A claim that ended while its worker still runs would send the alert twice.

    It begins once the function runs, and so ends after it.
    """
    config = json.loads((SOURCES / ".chalice" / "config.json").read_text())
    assert timedelta(seconds=config["stages"]["dev"]["lambda_timeout"]) <= CLAIM


HALF = replace(
    TOLD,
    severity=Severity.CRITICAL,
    risk="administrator-like: everything; access keys not readable",
    unread=("access keys", "console password"),
)


def test_what_was_opened_half_graded_is_graded_again() -> None:
    """Unknown credentials count as the worst; once they are known, the severity is what it is."""
    known = Risk(Severity.HIGH, "administrator-like: everything; no credentials")
    after = regraded(HALF, known)
    assert (after.severity, after.risk, after.unread) == (Severity.HIGH, known.reasons, ())
    assert after == replace(HALF, severity=after.severity, risk=after.risk, unread=())


def test_an_escalated_finding_stays_one_above_its_risk() -> None:
    """It has been open for too long, whatever its user can do."""
    escalated = replace(HALF, escalated_at=NOW)
    assert regraded(escalated, Risk(Severity.MEDIUM, "some")).severity is Severity.HIGH
    assert regraded(escalated, Risk(Severity.CRITICAL, "all")).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "unknown", [("access keys", "console password"), ("access keys", "MFA"), ("MFA",)]
)
def test_as_long_as_no_more_is_known_nothing_changes(unknown: tuple[str, ...]) -> None:
    """Another gap is no progress: the grade would go up and down with each sweep."""
    assert regraded(HALF, Risk(Severity.LOW, "other", unknown)) is HALF


def test_a_part_that_becomes_known_is_taken() -> None:
    """What is left unknown is looked for again."""
    after = regraded(HALF, Risk(Severity.HIGH, "no password", ("access keys",)))
    assert (after.severity, after.unread) == (Severity.HIGH, ("access keys",))
    assert is_half_graded(after)


@pytest.mark.parametrize(
    "finding", [TOLD, resolve(HALF, JOINED, at=NOW, now=NOW)], ids=["whole", "resolved"]
)
def test_what_is_graded_or_over_keeps_its_grade(finding: Finding) -> None:
    """Evidence is not rewritten, and a grade that was whole stays as it was told."""
    assert not is_half_graded(finding)
    assert regraded(finding, Risk(Severity.LOW, "other")) is finding


QUIET = replace(TOLD, quiet=True, muted=True)
ESCALATES = NOW + 100 * HOUR


@pytest.mark.parametrize("finding", [TOLD, QUIET])
def test_who_escalates_in_a_crowd_is_told_of_to_machines(finding: Finding) -> None:
    """It names the digest that tells people, and stays as loud or quiet as it was."""
    step = moved_on(finding, SETTINGS, ESCALATES, muted_in="episode")
    assert step.outbox == (AlertType.ESCALATED,)
    assert (step.escalated_in, step.muted, step.quiet) == ("episode", True, finding.quiet)
    assert step.claimed_until == ESCALATES + CLAIM


@pytest.mark.parametrize("finding", [TOLD, QUIET])
def test_who_escalates_alone_is_told_of_to_all_from_then_on(finding: Finding) -> None:
    """Whatever people knew of it before."""
    step = moved_on(finding, SETTINGS, ESCALATES)
    assert (step.escalated_in, step.muted, step.quiet) == ("", False, False)


@pytest.mark.parametrize("finding", [TOLD, QUIET])
def test_an_end_is_told_to_whom_the_opening_was(finding: Finding) -> None:
    """Also if a digest has reminded of it meanwhile: an incident of its own has to close."""
    reminded = replace(finding, muted=True)
    over = resolve(reminded, JOINED, at=NOW, now=NOW + HOUR)
    assert over.muted is finding.quiet
    assert over.claimed_until == NOW + HOUR + CLAIM


def test_who_opens_is_in_the_hands_of_its_worker() -> None:
    """For as long as a claim lasts."""
    assert OPENED.claimed_until == NOW + CLAIM


def test_what_another_worker_took_over_is_not_noted_as_sent() -> None:
    """Only who still has the outbox in hand notes that its alert is out."""
    assert sent_by(OPENED)(OPENED) == TOLD
    taken = claimed(OPENED, NOW + CLAIM)
    assert taken.claimed_until == NOW + CLAIM + CLAIM
    assert sent_by(OPENED)(taken) is taken
    assert claimed(taken, NOW + CLAIM) is taken, "who has it in hand keeps it"


NOTED = Acknowledgement(by="arn:ops", reason="OPS-12", at=NOW, severity=TOLD.severity)


def test_of_what_is_acknowledged_nobody_is_reminded() -> None:
    """For good, or until the snooze ends; and it is closed and told of as ever."""
    assert lived(200, finding=replace(TOLD, acknowledged=NOTED)) == []
    snoozed = replace(TOLD, acknowledged=replace(NOTED, until=NOW + 30 * HOUR))
    assert lived(200, finding=snoozed)[0][0] == 30
    over = resolve(snoozed, JOINED, at=NOW + HOUR, now=NOW + HOUR)
    assert over.outbox == (AlertType.RESOLVED,)


def test_what_gets_worse_is_told_of_again() -> None:
    """What was acknowledged was less."""
    worse = replace(TOLD, severity=Severity(TOLD.severity + 1), acknowledged=NOTED)
    assert lived(200, finding=worse)
