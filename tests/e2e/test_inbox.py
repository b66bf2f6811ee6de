"""The inbox on a topic."""

from __future__ import annotations

import json
import uuid

from straywatch.local.emulator.process import LocalAws
from straywatch.local.receivers.inbox import Inbox, open_inbox


def topic_and_inbox(aws: LocalAws) -> tuple[str, Inbox]:
    """Make a topic and an inbox on it."""
    session = aws.session()
    topic = session.client("sns").create_topic(Name=f"t-{uuid.uuid4().hex}")["TopicArn"]
    return topic, open_inbox(session, topic)


def test_an_alert_has_a_body_for_machines_and_a_mail_for_readers(aws: LocalAws) -> None:
    """Both sides of one message are joined: JSON, attributes, subject, mail text."""
    topic, inbox = topic_and_inbox(aws)
    body = {"type": "opened", "finding": {"user_name": "alice"}}
    aws.session().client("sns").publish(
        TopicArn=topic,
        Subject="a stray",
        MessageStructure="json",
        Message=json.dumps(
            {"default": "d", "email": "dear reader", "sms": "psst", "sqs": json.dumps(body)}
        ),
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value}
            for name, value in (("type", "opened"), ("audience", "all"))
        },
    )

    (alert,) = inbox.wait(lambda alert: alert.user_name == "alice", seconds=20)

    assert (alert.type, alert.subject) == ("opened", "a stray")
    assert (alert.mail, alert.sms) == ("dear reader", "psst")
    assert alert.body == body
    assert alert.attributes == {"type": "opened", "audience": "all"}


def test_what_is_no_alert_is_kept_as_it_came(aws: LocalAws) -> None:
    """A message that is not an alert's JSON is shown, of no type and about nobody."""
    topic, inbox = topic_and_inbox(aws)
    for message in ("plain words", "[1, 2]", json.dumps({"finding": "none"})):
        aws.session().client("sns").publish(TopicArn=topic, Message=message)

    while len(inbox.alerts) < 3:
        inbox.poll(20)

    assert {alert.raw for alert in inbox.alerts} >= {"plain words", "[1, 2]"}
    assert {(alert.type, alert.user_name) for alert in inbox.alerts} == {("", "")}
