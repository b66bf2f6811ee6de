"""`straywatch least-privilege --from-logs`, from logs and an account to documents."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from chalicelib.times import iso
from tests.adapters.conftest import Straywatch
from tests.unit.remediation.samples import allow, document


@pytest.fixture
def user_id(keys: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The id of ann, who is in Builders, which may do more than she does."""
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        iam = boto3.client("iam")
        made = iam.create_user(UserName="ann")["User"]
        iam.create_group(GroupName="Builders")
        wide = json.dumps(document(allow("sns:*", on="arn:aws:sns:*:*:x")))
        iam.put_group_policy(GroupName="Builders", PolicyName="topics", PolicyDocument=wide)
        iam.add_user_to_group(GroupName="Builders", UserName="ann")
        yield made["UserId"]


def record(user_id: str, **more: Any) -> dict[str, Any]:
    """A CreateTopic of yesterday."""
    return {
        "eventID": "1",
        "eventTime": iso(datetime.now(UTC) - timedelta(days=1)),
        "eventSource": "sns.amazonaws.com",
        "eventName": "CreateTopic",
        "awsRegion": "eu-west-1",
        "userIdentity": {"type": "IAMUser", "principalId": user_id},
        **more,
    }


ARGUMENTS = ("least-privilege", "--group", "Builders", "--no-last-accessed", "--from-logs")


def test_documents_are_proposed_and_nothing_is_changed(
    straywatch: Straywatch, user_id: str, keys: dict[str, str], tmp_path: Path
) -> None:
    """A file for each policy, a table that says what would have been denied: none."""
    log = tmp_path / "log.json.gz"
    log.write_bytes(gzip.compress(json.dumps({"Records": [record(user_id)]}).encode()))
    folder = tmp_path / "proposed"
    said = straywatch(*ARGUMENTS, log, "--policies", folder, COLUMNS="160", **keys)
    assert said.code == 1, said.err
    assert "1 calls" in said.out
    assert "none" in said.out
    written = json.loads((folder / "Builders.inline.topics.json").read_text())
    statement = written["Statement"][0]
    assert statement["Resource"] == "arn:aws:sns:*:*:x"
    assert {"sns:CreateTopic", "sns:ListTopics", "sns:Publish"} <= set(statement["Action"])
    assert "sns:DeleteTopic" not in statement["Action"]
    now = boto3.client("iam").get_group_policy(GroupName="Builders", PolicyName="topics")
    assert now["PolicyDocument"] == document(allow("sns:*", on="arn:aws:sns:*:*:x"))


def test_json_tells_the_same(
    straywatch: Straywatch, user_id: str, keys: dict[str, str], tmp_path: Path
) -> None:
    """With what was read, and the margin."""
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"Records": [record(user_id)]}))
    said = straywatch(*ARGUMENTS, log, "--margin", "none", "--format", "json", **keys)
    told = json.loads(said.out)
    assert told["log"]["regions"] == ["eu-west-1"]
    assert (told["log"]["records"], told["log"]["margin"]) == (1, "none")
    proposal = told["by_action"][0]["proposals"][0]
    assert (proposal["replayed"], proposal["would_be_denied"]) == (1, [])
    assert "sns:DeleteTopic" in proposal["without"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"Records": [', "cannot be read whole"),
        ('{"Records": []}', "no record of the last 90 days"),
        ('{"detail-type": "x", "source": "aws.s3", "detail": {}}', "EventBridge envelopes"),
    ],
    ids=["torn", "empty", "envelopes"],
)
def test_a_log_that_cannot_be_read_whole_is_no_answer(
    straywatch: Straywatch, keys: dict[str, str], tmp_path: Path, content: str, says: str
) -> None:
    """What is missing could be a use: exit 3, one line, nothing proposed."""
    log = tmp_path / "log.json"
    log.write_text(content)
    said = straywatch(*ARGUMENTS, log, **keys)
    assert said.code == 3
    assert said.is_one_clear_line
    assert says in said.err


def test_a_folder_for_documents_needs_logs(straywatch: Straywatch, tmp_path: Path) -> None:
    """Exit 2 with one line: without logs there is no such document."""
    said = straywatch("least-privilege", "--policies", tmp_path)
    assert said.code == 2
    assert said.is_one_clear_line
