"""docs/alert.schema.json is what subscribers build on: every message must hold to it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from chalicelib.messages.body import body_of
from tests.unit.alert_schema import SCHEMA
from tests.unit.examples import EXAMPLES

CONTRACT = {
    "": {"schema", "type", "finding", "cause", "remediation"},
    "finding": {
        "id", "account_id", "partition", "user_id", "user_name", "user_arn", "status", "severity",
        "stray_since", "opened_at", "resolved_at", "resolution", "detected_by",
    },
    "cause": {
        "event_name", "event_id", "event_time", "actor_arn", "actor_type", "source_ip",
        "user_agent", "group_name",
    },
    "remediation": {"commands", "console_url"},
}  # fmt: skip


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without its leave to add fields: for what this version itself sends."""
    strict = copy.deepcopy(schema)
    for part in (strict, *strict["$defs"].values()):
        if "properties" in part:
            part["additionalProperties"] = False
    return strict


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator that checks formats, too."""
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_schema_is_one() -> None:
    """The published file is itself valid JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_message_is_valid(name: str) -> None:
    """Every kind of message validates, and has no field that the schema does not describe."""
    body = json.loads(json.dumps(body_of(EXAMPLES[name], "acme-prod")))
    assert [error.message for error in validator(closed(SCHEMA)).iter_errors(body)] == []


def test_the_contract_is_required() -> None:
    """Every field that the contract promises is required by the schema."""
    for part, fields in CONTRACT.items():
        described = SCHEMA["$defs"][part] if part else SCHEMA
        assert fields <= set(described["required"])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("opened", {"finding": None}),
        ("opened", {"schema": "straywatch.alert/2"}),
        ("opened", {"type": "closed"}),
        ("opened", {"notice": {}}),
        ("test", {"test": False}),
        ("digest", {"digest": None}),
        ("digest", {"audience": "all"}),
        ("flapping", {"notice": None}),
        ("resolved-joined", {"finding": body_of(EXAMPLES["opened"])["finding"]}),
    ],
)
def test_what_breaks_the_contract_is_invalid(name: str, change: dict[str, Any]) -> None:
    """The schema refuses bodies that a subscriber could not work with."""
    body = json.loads(json.dumps(body_of(EXAMPLES[name]) | change))
    assert not validator(SCHEMA).is_valid(body)
