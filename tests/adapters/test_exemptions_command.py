"""`straywatch exemptions` on a parameter of moto's."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from straywatch.deploy.configuration import put_parameter
from straywatch.errors import StraywatchError
from tests.adapters.conftest import Straywatch
from tests.adapters.moto_stack import moto_stack

ROBOTS = ("--name", "ci-*", "--reason", "build robots, OPS-12")
EVERYBODY = json.dumps({"version": 1, "exemptions": [{"name": "*", "reason": "all"}]})


@pytest.fixture(autouse=True)
def stack(keys: dict[str, str], straywatch: Straywatch, monkeypatch: Any) -> Iterator[None]:
    """A deployment without a document."""
    del straywatch  # it cleans the environment first
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    with moto_stack():
        yield


def listed(straywatch: Straywatch) -> list[dict[str, Any]]:
    """The exemptions that are stored."""
    found: list[dict[str, Any]] = json.loads(
        straywatch("exemptions", "list", "--format", "json").out
    )["exemptions"]
    return found


def test_exemptions_are_added_listed_and_removed(straywatch: Straywatch) -> None:
    """One at a time, without a document in hand; of the same users the newer one stands."""
    assert straywatch("exemptions", "add", *ROBOTS, "--until", "2999-01-31").code == 0
    more = ("--path", "/break-glass/", "--reason", "SEC-12", "--owner", "sec")
    assert straywatch("exemptions", "add", *more).code == 0
    assert straywatch("exemptions", "add", *ROBOTS, "--until", "2999-02-28").code == 0
    path, robots = listed(straywatch)
    assert (path["path"], path["until"], path["owner"]) == ("/break-glass/", None, "sec")
    assert (robots["name"], robots["until"]) == ("ci-*", "2999-03-01T00:00:00Z")
    table = straywatch("exemptions", "list").out
    assert "name ci-*" in table
    assert "2 exemptions" in table
    assert straywatch("exemptions", "remove", "--name", "ci-*").code == 0
    assert [each.get("path") for each in listed(straywatch)] == ["/break-glass/"]


def test_an_exemption_in_one_account_is_another_than_one_everywhere(
    straywatch: Straywatch,
) -> None:
    """Adding the one does not replace the other, nor does removing it."""
    here = ("--account", "222222222222")
    for place in ((), here, ("--unit", "ou-ab12-11111111")):
        assert straywatch("exemptions", "add", *ROBOTS, *place).code == 0
    assert len(listed(straywatch)) == 3
    assert straywatch("exemptions", "remove", "--name", "ci-*").code == 0
    account, unit = listed(straywatch)
    assert (account["account"], unit["unit"]) == ("222222222222", "ou-ab12-11111111")
    assert "in account 222222222222" in straywatch("exemptions", "list").out
    assert straywatch("exemptions", "remove", "--name", "ci-*", *here).code == 0
    assert len(listed(straywatch)) == 1
    again = straywatch("exemptions", "remove", "--name", "ci-*", *here)
    assert (again.code, again.is_one_clear_line) == (2, True)
    assert "in account 222222222222" in again.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("remove", "--name", "nobody"), "no exemption is for name 'nobody'"),
        (("add", "--reason", "x"), "one of --name, --path and --user-id"),
        (("add", "--name", "a", "--path", "/", "--reason", "x"), "one of --name, --path"),
        (("add", "--name", "a", "--reason", "x", "--until", "2020-01-01"), "has passed"),
        (("add", "--name", "a", "--reason", "x", "--until", "soon"), "is no end"),
        (("add", "--name", "*", "--reason", "x"), "exempts everybody"),
        (("add", "--path", "/", "--reason", "x"), "exempts everybody"),
        (("add", "--user-id", "ann", "--reason", "x"), "must be a user id"),
        (("add", "--name", "a", "--reason", "<WHY>"), "must say why, and '<WHY>' is a placeholder"),
    ],
)
def test_what_is_hardly_meant_is_refused(
    straywatch: Straywatch, arguments: tuple[str, ...], said: str
) -> None:
    """In one line that says how to mend it; nothing is stored."""
    ended = straywatch("exemptions", *arguments)
    assert (ended.code, ended.is_one_clear_line) == (2, True), ended
    assert said in ended.err
    assert listed(straywatch) == []


@pytest.mark.parametrize("command", ["check", "put"])
def test_a_document_that_exempts_everybody_is_not_fine(
    straywatch: Straywatch, tmp_path: Path, command: str
) -> None:
    """Unless that is what is wanted, and then it is said."""
    document = tmp_path / "exemptions.json"
    document.write_text(EVERYBODY)
    refused = straywatch("exemptions", command, document)
    assert (refused.code, refused.is_one_clear_line) == (2, True)
    assert "name * exempts everybody" in refused.err
    taken = straywatch("exemptions", command, document, "--everybody")
    assert (taken.code, "name * exempts everybody" in taken.err) == (0, True)


def test_an_end_that_has_passed_is_said(straywatch: Straywatch, tmp_path: Path) -> None:
    """The document is fine; what in it exempts nobody any more is named."""
    old = {"name": "ann", "reason": "leaves", "until": "2020-01-31"}
    document = tmp_path / "exemptions.json"
    document.write_text(json.dumps({"version": 1, "exemptions": [old]}))
    ended = straywatch("exemptions", "check", document)
    assert ended.code == 0
    assert "name ann ended at 2020-02-01 00:00:00 UTC, and exempts nobody" in ended.err
    straywatch("exemptions", "put", document)
    assert listed(straywatch)[0]["ended"] is True
    assert "(ended)" in straywatch("exemptions", "list").out


def test_a_document_comes_by_a_pipe_too(straywatch: Straywatch, monkeypatch: Any) -> None:
    """`-` is standard input."""
    piped = io.TextIOWrapper(io.BytesIO(b'{"version": 1, "exemptions": []}'))
    monkeypatch.setattr("sys.stdin", piped)
    assert straywatch("exemptions", "put", "-").code == 0
    stored = boto3.client("ssm").get_parameter(Name="/straywatch/config")["Parameter"]["Value"]
    assert stored == '{"version": 1, "exemptions": []}'


def test_a_broken_document_is_not_edited(straywatch: Straywatch) -> None:
    """Whoever broke it mends it: what it meant cannot be known."""
    boto3.client("ssm").put_parameter(Name="/straywatch/config", Value="{", Type="String")
    for arguments in (("add", *ROBOTS), ("remove", "--name", "x"), ("list",)):
        ended = straywatch("exemptions", *arguments)
        assert (ended.code, ended.is_one_clear_line) == (3, True)


def test_an_answer_that_tells_of_no_version_is_no_proof_of_storing() -> None:
    """A proxy's empty page with status 200 is one."""
    ssm = boto3.client("ssm")
    with Stubber(ssm) as stubber:
        stubber.add_response("describe_parameters", {"Parameters": []})
        stubber.add_response("put_parameter", {})
        with pytest.raises(StraywatchError, match="may not be stored"):
            put_parameter(ssm, "/straywatch/config", "{}")
