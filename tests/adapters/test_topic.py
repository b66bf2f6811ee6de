"""Publishing to the alert topic: each protocol gets a form it can use, and nothing breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.topic import AlertTopic
from chalicelib.domain.alerts import Alert, Notice, flapping_notice
from chalicelib.domain.facts import Mark
from chalicelib.domain.findings import AlertType, Finding, Reason, Resolution, resolve
from tests.adapters.aws import client
from tests.unit.finding_samples import OPENED
from tests.unit.records import ACCOUNT, at

ARN = "arn:aws:sns:us-east-1:123456789012:alerts"
NOTICE = flapping_notice(Mark(account=ACCOUNT, user_name="bob"), 12)
STEPS = (AlertType.OPENED, AlertType.REMINDER, AlertType.ESCALATED)


@cache
def recorder() -> tuple[Any, list[dict[str, Any]]]:
    """A client, made once, and what it is asked."""
    asked: list[dict[str, Any]] = []
    sns = client("sns")
    sns.meta.events.register(
        "provide-client-params.sns.Publish", lambda params, **_: asked.append(params)
    )
    return sns, asked


def published(message: Alert | Notice) -> dict[str, Any]:
    """What reaches SNS, with the message's forms decoded."""
    sns, asked = recorder()
    with Stubber(sns) as stub:
        stub.add_response("publish", {"MessageId": "1"})
        AlertTopic(lambda: sns, ARN, lambda _: "").publish(message)
    call = asked.pop()
    return call | {"Message": json.loads(call["Message"])}


def resolved() -> Alert:
    """The last alert of a finding."""
    over = resolve(OPENED, Resolution(Reason.JOINED_GROUP, ("nurses",)), at=at(60), now=at(60))
    return Alert(AlertType.RESOLVED, over)


def test_an_alert_goes_out_in_the_form_of_each_protocol() -> None:
    """Mail and text messages for people; everything else gets the JSON as the default."""
    call = published(Alert(AlertType.OPENED, OPENED))
    assert (call["TopicArn"], call["MessageStructure"]) == (ARN, "json")
    assert set(call["Message"]) == {"default", "email", "sms"}
    assert all(isinstance(form, str) for form in call["Message"].values())
    body = json.loads(call["Message"]["default"])
    assert (body["schema"], body["type"]) == ("straywatch.alert/1", "opened")
    assert body["finding"]["id"] == OPENED.finding_id
    assert "bob" in call["Message"]["email"]


def test_attributes_serve_filter_policies() -> None:
    """Subscribers can choose by type, severity and account without reading the body."""
    attributes = published(Alert(AlertType.OPENED, OPENED))["MessageAttributes"]
    assert attributes == {
        "type": {"DataType": "String", "StringValue": "opened"},
        "severity": {"DataType": "String", "StringValue": "MEDIUM"},
        "account_id": {"DataType": "String", "StringValue": "123456789012"},
        "audience": {"DataType": "String", "StringValue": "all"},
    }


def test_a_notice_goes_out_likewise() -> None:
    """It is about no finding, and has the same attributes."""
    call = published(NOTICE)
    body = json.loads(call["Message"]["default"])
    assert (body["type"], body["finding"]) == ("flapping", None)
    assert call["MessageAttributes"]["type"]["StringValue"] == "flapping"


@pytest.mark.parametrize("message", [resolved(), NOTICE, *(Alert(step, OPENED) for step in STEPS)])
def test_the_subject_is_one_that_sns_takes(message: Alert | Notice) -> None:
    """Under 100 printable ASCII characters that begin with no space."""
    subject = published(message)["Subject"]
    assert subject.isascii()
    assert subject.isprintable()
    assert 0 < len(subject) < 100
    assert not subject.startswith(" ")


def test_what_sns_refuses_is_raised() -> None:
    """An alert that was not sent never counts as sent."""
    sns = client("sns")
    with Stubber(sns) as stub:
        stub.add_client_error("publish", "KMSAccessDenied")
        with pytest.raises(ClientError, match="KMSAccessDenied"):
            AlertTopic(lambda: sns, ARN, lambda _: "").publish(Alert(AlertType.OPENED, OPENED))


hostile = st.text(max_size=128) | st.sampled_from(
    [
        "\r\nBcc: x@example.com",
        "$(reboot)",
        "`id`",
        "'; rm -rf /",
        "\u202egnp.exe",
        "\x00",
        "😀" * 64,
    ]
)


def hostile_finding(name: str, actor: str, risk: str) -> Finding:
    """A finding in which every text of others is as given."""
    assert OPENED.cause
    cause = replace(
        OPENED.cause, actor_arn=actor, user_agent=actor, source_ip=actor, group_name=actor
    )
    arn = f"arn:aws:iam::123456789012:user/{name}"
    return replace(OPENED, user_name=name, user_arn=arn, risk=risk, cause=cause)


@settings(max_examples=15)
@given(hostile, hostile, hostile, st.sampled_from(STEPS))
def test_no_text_of_others_breaks_out(name: str, actor: str, risk: str, step: AlertType) -> None:
    """Whatever users and actors are called: one subject, one line each, one JSON value."""
    call = published(Alert(step, hostile_finding(name, actor, risk)))
    assert call["Subject"].isascii()
    assert call["Subject"].isprintable()
    assert len(call["Subject"]) < 100
    sms = call["Message"]["sms"]
    assert (sms.isascii(), len(sms) <= 140) == (True, True)
    lines = call["Message"]["email"].split("\n")
    assert all(c.isprintable() for line in lines for c in line)
    assert len(lines) < 40  # long texts are wrapped; none opens a paragraph of its own
    body = json.loads(call["Message"]["default"])
    assert body["finding"]["user_name"] == name
    assert call["Message"]["default"].isascii()


def test_a_message_with_the_longest_texts_fits() -> None:
    """256 KiB with its attributes is SNS's limit; events bring no text above 512 characters."""
    call = published(Alert(AlertType.OPENED, hostile_finding("n" * 128, "😀" * 512, "r" * 2000)))
    assert len(json.dumps(call).encode()) < 64_000
    assert call["Message"]["email"].count("\n") < 40
