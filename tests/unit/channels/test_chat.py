"""Cards keep to Amazon Q's schema, and no text from others becomes markup in them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from chalicelib.channels.chat.card import card, code
from chalicelib.channels.chat.relay import Chat
from chalicelib.channels.interface import Relayed, from_topic
from chalicelib.channels.received import Received, received
from chalicelib.domain.alerts import Alert, Message
from tests.unit.examples import EXAMPLES
from tests.unit.hostile import HOSTILE, messages
from tests.unit.sns_events import alarm_event, sns_event

TEXT = {"type": "string", "minLength": 1}
# https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html: the custom schema
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["version", "source", "content"],
    "additionalProperties": False,
    "properties": {
        "version": {"const": "1.0"},
        "source": {"const": "custom"},
        "id": TEXT,
        "content": {
            "type": "object",
            "required": ["description"],
            "additionalProperties": False,
            "properties": {
                "textType": {"const": "client-markdown"},
                "title": TEXT,
                "description": TEXT,
                "nextSteps": {"type": "array", "items": TEXT},
                "keywords": {"type": "array", "items": TEXT},
            },
        },
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "threadId": TEXT,
                "summary": TEXT,
                "eventType": TEXT,
                "relatedResources": {"type": "array", "items": TEXT},
                "additionalContext": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
    },
}
OWN_LINK = re.compile(r"(IAM console|CloudTrail): https://us-east-1\.console\.aws\.amazon\.com/\S+")


def card_of(message: Message) -> dict[str, Any]:
    """The card of a message that has come the whole way."""
    (found,) = received(sns_event(message))
    assert isinstance(found, Received)
    return card(found)


def outside_code(text: str) -> str:
    """What a chat program reads as markup: all but code spans."""
    assert text.count("`") % 2 == 0
    return re.sub(r"`[^`\n]*`", "", text)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_card_fits_the_schema(name: str) -> None:
    """Amazon Q drops what is not of its own schema."""
    found = json.loads(json.dumps(card_of(EXAMPLES[name])))
    assert list(Draft202012Validator(SCHEMA).iter_errors(found)) == []


@settings(max_examples=60, deadline=None)
@given(messages())
def test_no_text_is_markup(message: Message) -> None:
    """Names stand in code spans; in all other words nothing is bold, a mention or a link."""
    content = card_of(message)["content"]
    title = re.sub(r"^:[a-z_]+: ", "", content["title"])
    steps = [
        re.sub(r"^(Either put it in a group|Or exempt it): ", "", s) for s in content["nextSteps"]
    ]
    assert all(outside_code(step) == "" for step in steps)
    for line in [outside_code(title), *outside_code(content["description"]).splitlines()]:
        own = re.sub(r"^\*[A-Z][A-Za-z ]+\* ", "", line)
        assert OWN_LINK.fullmatch(line) or not re.search(r"[*_~<>&@`]|://|www\.", own), line


@given(HOSTILE)
def test_code_ends_where_it_should(text: str) -> None:
    """A code span holds one line, without what would end it or mention somebody."""
    assert re.fullmatch(r"`[^`<>&\n]+`", code(text))


def test_the_end_lands_under_its_beginning() -> None:
    """One thread for each finding, and one for each flood."""
    threads = [
        card_of(EXAMPLES[name])["metadata"]["threadId"]
        for name in ("opened", "reminder", "escalated", "resolved-joined")
    ]
    opened = EXAMPLES["opened"]
    assert isinstance(opened, Alert)
    assert set(threads) == {opened.finding.finding_id}
    digests = {
        card_of(EXAMPLES[name])["metadata"]["threadId"] for name in ("digest", "digest-settled")
    }
    assert len(digests) == 1


def test_commands_are_whole_or_missing() -> None:
    """Half a command would be worse than none."""
    opened = EXAMPLES["opened-long-name"]
    assert isinstance(opened, Alert)
    steps = card_of(opened)["content"]["nextSteps"]
    assert len(steps) == 3
    assert all("..." not in step for step in steps)


@pytest.mark.parametrize("name", EXAMPLES)
def test_chat_gets_a_card_for_every_message(name: str) -> None:
    """Every message of ours has a card; alarms are rendered by Amazon Q itself."""
    cards: list[Mapping[str, Any]] = []
    assert from_topic(Chat(cards.append), sns_event(EXAMPLES[name])) == [Relayed.SENT]
    assert from_topic(Chat(cards.append), alarm_event()) == [Relayed.IGNORED]
    assert len(cards) == 1
