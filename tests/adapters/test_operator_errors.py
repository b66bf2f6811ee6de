"""Whatever goes wrong between an operator and AWS: one clear line, and the right exit code."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from straywatch import cli
from tests.adapters.conftest import Straywatch
from tests.adapters.fake_endpoint import error, identity, serving

COMMANDS = [
    "doctor",
    "redrive",
    "redrive --yes",
    "findings list",
    "findings show aws:123456789012:AIDAEXAMPLEEXAMPLE1:1",
    "check ann",
    "org status",
    "replay --from-account",
]


@pytest.fixture(params=COMMANDS)
def words(request: pytest.FixtureRequest) -> list[str]:
    """A command as it is typed."""
    typed: str = request.param
    return typed.split()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ExpiredToken", "the AWS session has expired"),
        ("AccessDenied", "access denied on "),
        ("InvalidClientTokenId", "AWS does not accept these credentials"),
    ],
)
def test_a_refusal_is_one_line(
    straywatch: Straywatch, keys: dict[str, str], words: list[str], code: str, said: str
) -> None:
    """It says what was refused and what to do; half an answer is never printed."""
    with serving(lambda *_: error(403, code)) as endpoint:
        ended = straywatch(*words, **keys, AWS_ENDPOINT_URL=endpoint)
    assert (ended.code, ended.is_one_clear_line) == (3, True), ended
    assert said in ended.err


def test_no_credentials_is_one_line(straywatch: Straywatch, words: list[str]) -> None:
    """It says where to put them."""
    ended = straywatch(*words, AWS_DEFAULT_REGION="us-east-1")
    assert (ended.code, ended.is_one_clear_line) == (3, True), ended
    assert "no AWS credentials found" in ended.err


@pytest.mark.parametrize("command", COMMANDS)
def test_no_region_is_one_line(straywatch: Straywatch, keys: dict[str, str], command: str) -> None:
    """It says how to name one."""
    del keys["AWS_DEFAULT_REGION"]
    with serving(lambda *_: identity()) as endpoint:
        ended = straywatch(*command.split(), **keys, AWS_ENDPOINT_URL=endpoint)
    assert (ended.code, ended.is_one_clear_line) == (3, True), ended
    assert "no AWS region set" in ended.err


def test_an_unknown_profile_is_one_line(straywatch: Straywatch, words: list[str]) -> None:
    """It says which profiles to look for."""
    ended = straywatch(*words, "--profile", "nobody")
    assert (ended.code, ended.is_one_clear_line) == (3, True), ended


def test_an_unknown_flag_is_wrong_usage(straywatch: Straywatch, words: list[str]) -> None:
    """It points to the help."""
    ended = straywatch(*words, "--nonsense")
    assert (ended.code, ended.is_one_clear_line) == (2, True), ended
    assert "--help" in ended.err


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith(("check", "replay"))])
def test_no_deployment_is_one_line(
    straywatch: Straywatch, keys: dict[str, str], command: str
) -> None:
    """It says how to deploy, or to name another region or stage."""

    def respond(action: str, _: dict[str, str]) -> tuple[int, str]:
        if action == "GetCallerIdentity":
            return identity()
        return error(400, "ValidationError", "Stack straywatch does not exist")

    with serving(respond) as endpoint:
        ended = straywatch(*command.split(), **keys, AWS_ENDPOINT_URL=endpoint)
    assert (ended.code, ended.is_one_clear_line) == (3, True), ended
    assert "straywatch deploy" in ended.err


def test_an_unreachable_endpoint_is_one_line(keys: dict[str, str]) -> None:
    """It names the address; AWS_MAX_ATTEMPTS says how long to keep trying, as everywhere."""
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "straywatch", "findings", "list"],
        env={"PATH": os.environ["PATH"], **keys, **nowhere},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.count("\n") == 1
    assert "check the network and AWS_ENDPOINT_URL" in ended.stderr


@pytest.mark.parametrize("command", [*cli.COMMANDS, "findings list", "findings show"])
def test_every_help_has_an_example(straywatch: Straywatch, command: str) -> None:
    """One to be copied, on a line of its own."""
    ended = straywatch(*command.split(), "--help")
    assert (ended.code, ended.err) == (0, "")
    assert "Example" in ended.out
    examples = ended.out.split("Example")[1].splitlines()[1:]
    assert [line for line in examples if f"straywatch {command}" in line]
    assert "\\b" not in ended.out
