"""No answer, environment or file is so broken that a command ends in a traceback."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest

from straywatch.aws.answers import StrangeAnswerError, guard
from straywatch.commands.sweep import counts
from straywatch.errors import StraywatchError
from tests.adapters.conftest import Straywatch

ROOT = Path(__file__).resolve().parents[2]


def test_every_command_survives_what_is_broken() -> None:
    """One clear line and exit code 3, or 2; `make fuzz` breaks every call in every way."""
    fuzz = [sys.executable, "-m", "tests.adapters.fuzz"]
    ended = subprocess.run(fuzz, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout.startswith("violations 0, "), ended.stdout + ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{}", b"[" * 200_000, b"<html>"])
def test_a_sweep_that_does_not_count_is_not_a_sweep(payload: bytes) -> None:
    """Whatever came back in the place of its counts, and however the function failed."""
    answer: Any = {"Payload": io.BytesIO(payload)}
    with pytest.raises(StraywatchError, match="not its counts"):
        counts(answer)
    answer = {"Payload": io.BytesIO(payload), "FunctionError": "Unhandled"}
    with pytest.raises(StraywatchError, match="the sweep failed"):
        counts(answer)


def test_xml_of_another_root_is_no_success() -> None:
    """AddUserToGroup answers with nothing but its name: any other XML did not do it."""
    iam = botocore.session.get_session().get_service_model("iam")
    answer = {"status_code": 200, "body": b"<AddUserToGroupResponse/>"}
    session = guard(boto3.Session())
    event = "before-parse.iam.AddUserToGroup"
    joins = iam.operation_model("AddUserToGroup")
    session.events.emit(event, operation_model=joins, response_dict=answer)
    for body, what in ((b"<a/>", "XML of another kind"), (b"", "nothing")):
        with pytest.raises(StrangeAnswerError, match=f"not AWS but {what}"):
            session.events.emit(event, operation_model=joins, response_dict=answer | {"body": body})


def test_nothing_is_no_answer_in_json() -> None:
    """An empty queue answers with an empty object; an empty body is no word of SQS."""
    sqs = botocore.session.get_session().get_service_model("sqs").operation_model("ReceiveMessage")
    session, event = guard(boto3.Session()), "before-parse.sqs.ReceiveMessage"
    answer = {"status_code": 200, "body": b"{}"}
    session.events.emit(event, operation_model=sqs, response_dict=answer)
    with pytest.raises(StrangeAnswerError, match="not AWS but nothing"):
        session.events.emit(event, operation_model=sqs, response_dict=answer | {"body": b""})


def test_one_account_whose_credentials_are_broken_costs_no_other(
    straywatch: Straywatch, keys: dict[str, str], tmp_path: Path
) -> None:
    """An audit of many names each that did not open, also where a process prints no JSON."""
    config = tmp_path / "config"
    profile = "[profile {0}]\ncredential_process = echo Welcome, {0}\n"
    config.write_text(profile.format("one") + profile.format("two"))
    named = ("--profile", "one", "--profile", "two")
    ended = straywatch("audit", *named, **keys, AWS_CONFIG_FILE=str(config))
    assert ended.code == 3
    assert ended.is_one_clear_line
    assert "profile one: all users: the credentials cannot be had" in ended.err
    assert "profile two: all users: the credentials cannot be had" in ended.err


def test_debug_shows_the_traceback_and_keeps_the_exit_code(straywatch: Straywatch) -> None:
    """It is for whoever reports a fault."""
    ended = straywatch("findings", "list", "--debug", "--profile", "nobody")
    assert (ended.code, ended.out) == (3, "")
    assert "Traceback" in ended.err
    assert ended.err.splitlines()[-1].startswith("straywatch: ")


def _piped(shell: str) -> tuple[int, str]:
    ended = subprocess.run(
        ["bash", "-c", shell],
        env={**os.environ, "PYTHON": sys.executable},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    """`| head` takes what it wants; the exit code is the command's own."""
    straywatch = '"$PYTHON" -m straywatch'
    assert _piped(f"{straywatch} completion bash | true; exit ${{PIPESTATUS[0]}}") == (0, "")
    assert _piped(f"{straywatch} --help >&-") == (0, "")
    code, err = _piped(f"{straywatch} --help >/dev/full")
    assert (code, err) == (3, "straywatch: [Errno 28] No space left on device\n")
