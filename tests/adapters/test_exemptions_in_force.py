"""The exemptions in force, as every command has them: on moto's Parameter Store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import boto3
import pytest

from chalicelib.adapters.tables import StateTable
from chalicelib.domain.account import Account
from tests.adapters.conftest import Straywatch
from tests.adapters.moto_stack import ACCOUNT_ID, moto_stack

ROBOTS = json.dumps({"version": 1, "exemptions": [{"name": "ci-*", "reason": "robots"}]})
REPORT = ("report", "--from", "2026-01-01", "--to", "2026-01-02", "--format", "json")


@pytest.fixture(autouse=True)
def state(keys: dict[str, str], straywatch: Straywatch, monkeypatch: Any) -> Iterator[StateTable]:
    """A deployment, and an account with a user `ci-robot` in no group; yields the state table."""
    del straywatch  # it cleans the environment first
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with moto_stack() as outputs:
        boto3.client("iam").create_user(UserName="ci-robot")
        yield StateTable(boto3.client("dynamodb"), outputs["StateTableName"], timedelta())


def store(text: str, kind: Any) -> None:
    """Put a document into the parameter."""
    boto3.client("ssm").put_parameter(Name="/straywatch/config", Value=text, Type=kind)


def test_an_encrypted_document_is_shown_as_it_was_stored(straywatch: Straywatch) -> None:
    """A SecureString is decrypted, as the monitor does it: what is shown is what counts."""
    store(ROBOTS, "SecureString")
    said = straywatch("exemptions", "show")
    assert (said.code, said.out) == (0, ROBOTS + "\n")


def test_an_encrypted_document_is_in_the_report(straywatch: Straywatch) -> None:
    """The report names the rules of the document, encrypted or not, and whom they exempt."""
    store(ROBOTS, "SecureString")
    said = straywatch(*REPORT)
    assert (said.code, "not monitored" in said.err) == (3, True)
    exemptions = json.loads(said.out)["exemptions"]
    assert [rule["by"] for rule in exemptions["document"]] == ["name ci-*"]
    assert [user["user_name"] for user in exemptions["users"]] == ["ci-robot"]


def test_while_a_document_is_refused_every_command_keeps_to_the_last_good_one(
    straywatch: Straywatch, state: StateTable
) -> None:
    """As the monitor does; `check` and the report say so."""
    state.write_document(Account("aws", ACCOUNT_ID), "configuration", {"good": ROBOTS})
    store("{", "String")
    checked = straywatch("check", "ci-robot", "--format", "json")
    assert json.loads(checked.out)["users"][0]["evaluation"] == "NOT_APPLICABLE"
    assert "the last good one is in force" in checked.err
    reported = straywatch(*REPORT)
    assert reported.code == 3  # nobody has watched
    exemptions = json.loads(reported.out)["exemptions"]
    assert [user["user_name"] for user in exemptions["users"]] == ["ci-robot"]
    assert "not JSON" in exemptions["document_refused"][0]
