"""What a channel cuts is as long as its receiver allows, and no longer."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.channels.chat.card import card, code
from chalicelib.channels.pager.incidents import event_of
from chalicelib.channels.received import Received, received
from chalicelib.channels.security_hub.asff import asff_of
from chalicelib.domain.alerts import Alert, Notice
from chalicelib.domain.findings import AlertType
from chalicelib.domain.severity import Severity
from tests.unit.examples import ACCOUNT, FINDING, NOW
from tests.unit.sns_events import alarm_event, sns_event

ENDLESS = "x" * 5000


def told(**changes: Any) -> Received:
    """The alert of a finding that has been told to be something endless."""
    (found,) = received(sns_event(Alert(AlertType.OPENED, replace(FINDING, **changes))))
    assert isinstance(found, Received)
    return found


def noticed() -> Received:
    """A notice that goes on and on."""
    notice = Notice(AlertType.HEALTH, Severity.HIGH, ACCOUNT, ENDLESS, ENDLESS)
    (found,) = received(sns_event(notice))
    assert isinstance(found, Received)
    return replace(found, subject=ENDLESS)


def lengths(form: Any) -> set[int]:
    """How long the texts of a form are that were cut."""
    if isinstance(form, dict):
        return set().union(*map(lengths, form.values()))
    if isinstance(form, list | tuple):
        return set().union(*map(lengths, form))
    return {len(form)} if isinstance(form, str) and "x...x" in form else set()


def test_a_card_is_cut_where_slack_would_cut_it() -> None:
    """Each text of it by itself: a code span is two characters longer than what it shows."""
    assert lengths(card(noticed())) == {
        len(":large_orange_circle: ") + 250,  # the title
        250,  # the summary
        1500 + len("\n*Account* 123456789012 (acme-prod)"),  # the description
    }
    assert len(code(ENDLESS)) == len("``") + 300


def test_a_card_as_a_whole_is_cut_as_well() -> None:
    """3,000 characters: Slack's own limit for a block of text."""
    digest = replace(noticed(), body=copy.deepcopy(noticed().body))
    digest.body["remediation"]["console_url"] = "https://" + ENDLESS
    assert len(card(digest)["content"]["description"]) == 3000


@pytest.mark.parametrize(("length", "kept"), [(999, 1), (1000, 0)])
def test_a_command_that_would_be_cut_is_left_out(length: int, kept: int) -> None:
    """Half a command is worse than none."""
    message = replace(noticed(), body=copy.deepcopy(noticed().body))
    message.body["remediation"]["commands"] = ["c" * length]
    steps = card(message)["content"]["nextSteps"]
    assert steps == ["`" + "c" * length + "`"] * kept


def test_an_id_is_cut_to_what_every_receiver_takes() -> None:
    """255 characters: PagerDuty's and Amazon Q's."""
    long_id = told(user_id=ENDLESS)
    page, shown = event_of(long_id), card(long_id)
    assert {len(page.dedup_key), len(shown["id"]), len(shown["metadata"]["threadId"])} == {255}
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{ENDLESS}"
    (alarm,) = received(alarm_event(AlarmArn=arn))
    assert len(event_of(alarm).dedup_key) == 255


def test_a_page_is_cut_where_pagerduty_would_refuse_it() -> None:
    """A summary has 1,024 characters at most; so has each detail of ours."""
    payload = event_of(replace(told(risk=ENDLESS), subject=ENDLESS)).payload
    assert lengths(payload) == {1024}
    assert payload is not None
    assert (len(payload["summary"]), len(payload["custom_details"]["risk"])) == (1024, 1024)
    (alarm,) = received(alarm_event(AlarmDescription=ENDLESS, NewStateReason=ENDLESS))
    payload = event_of(alarm).payload
    assert payload is not None
    assert (len(payload["summary"]), len(payload["custom_details"]["reason"])) == (1024, 1024)


def test_an_import_is_cut_where_security_hub_would_refuse_it() -> None:
    """A title has 256 characters at most, a description 1,024, a link 512."""
    message = told(user_name="x" * 600, risk=ENDLESS)
    imported = partial(
        asff_of,
        message.body["finding"],
        importer=ACCOUNT,
        region="us-east-1",
        updated_at=NOW,
        test=False,
    )
    remediation = {"console_url": "https://" + "c" * 504}
    found = imported(remediation)
    assert (len(found["Title"]), len(found["Description"])) == (256, 1024)
    assert len(found["Remediation"]["Recommendation"]["Url"]) == 512
    remediation["console_url"] += "c"
    found = imported(remediation)
    assert "Url" not in found["Remediation"]["Recommendation"]


def test_a_message_without_a_subject_goes_by_its_type() -> None:
    """SNS needs no subject: whoever publishes by hand may leave it out."""
    message = replace(told(), subject="")
    payload = event_of(message).payload
    assert payload is not None
    assert payload["summary"] == card(message)["metadata"]["summary"] == "opened"
    assert card(message)["content"]["title"].endswith(" opened")
    assert "timestamp" not in (event_of(noticed()).payload or {})
