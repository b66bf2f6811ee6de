"""How the command line meets whoever does not know it, has little room, or types much."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from straywatch import __version__
from straywatch.cli import COMMANDS
from tests.adapters.conftest import Straywatch
from tests.adapters.fake_endpoint import error, identity, serving

GROUPS = ("exemptions add", "exemptions check", "exemptions list", "exemptions put",
          "exemptions remove", "exemptions show", "findings list", "findings show")  # fmt: skip


@pytest.mark.parametrize("group", ["", "findings", "exemptions"])
def test_a_group_named_alone_shows_its_help(straywatch: Straywatch, group: str) -> None:
    """As help: on standard output, over several lines, with exit code 0."""
    ended = straywatch(*group.split())
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == straywatch(*group.split(), "--help").out


def test_the_version_has_a_short_option(straywatch: Straywatch) -> None:
    """As in most commands."""
    assert straywatch("-V").out == straywatch("--version").out == f"straywatch {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("finding", "findings"), ("exemptions lst", "list"), ("audit --fromat x", "--format")],
)
def test_what_was_probably_meant_is_said(straywatch: Straywatch, typed: str, meant: str) -> None:
    """For commands, their commands, and options."""
    ended = straywatch(*typed.split())
    assert (ended.code, ended.is_one_clear_line) == (2, True)
    assert f"Did you mean '{meant}'?" in ended.err


@pytest.mark.parametrize("columns", ["40", "80"])
@pytest.mark.parametrize("command", [*COMMANDS, *GROUPS])
def test_help_breaks_no_option_apart(straywatch: Straywatch, command: str, columns: str) -> None:
    """Nor a word with a hyphen, and nothing of what lays it out is seen."""
    out = straywatch(*command.split(), "--help", COLUMNS=columns).out
    assert not re.search(r"\w-\n", out)
    assert not re.search("[\b\u2011\ue000]|\\\\b", out)
    assert "Example" in out


def test_settings_of_ones_own_are_used_where_nothing_else_is_said(
    straywatch: Straywatch, keys: dict[str, str], tmp_path: Path
) -> None:
    """An option goes before the environment, and the environment before the file."""
    config = tmp_path / "config.toml"
    config.write_text('stage = "blue"\nregion = "eu-west-1"\nprofile = "nobody"\n')
    del keys["AWS_DEFAULT_REGION"]

    def respond(action: str, sent: dict[str, str]) -> tuple[int, str]:
        if action == "GetCallerIdentity":
            return identity()
        return error(400, "ValidationError", f"Stack {sent['StackName']} does not exist")

    with serving(respond) as endpoint:
        where = {**keys, "AWS_ENDPOINT_URL": endpoint, "STRAYWATCH_CONFIG": str(config)}
        by_file = straywatch("findings", "list", **where)
        by_option = straywatch("findings", "list", "--stage", "red", "--region", "x-1", **where)
        in_it = straywatch("doctor", **where, AWS_REGION="us-east-1")
    assert "there is no stack straywatch-blue in eu-west-1" in by_file.err
    assert "there is no stack straywatch-red in x-1" in by_option.err
    assert "there is no stack straywatch-blue in us-east-1" in in_it.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stagee = 'x'", "'stagee' is unknown; known are stage"),
        ("stage = 7", "stage must be text"),
        ("stage", "config.toml"),
    ],
)
def test_wrong_settings_are_told(
    straywatch: Straywatch, tmp_path: Path, text: str, said: str
) -> None:
    """With the file and the key: they are never ignored."""
    config = tmp_path / "config.toml"
    config.write_text(text)
    ended = straywatch("doctor", STRAYWATCH_CONFIG=str(config))
    assert (ended.code, ended.is_one_clear_line) == (2, True)
    assert said in ended.err


def test_no_settings_are_no_fault(straywatch: Straywatch, tmp_path: Path) -> None:
    """The usual file need not be there; one that is named must be."""
    usual = straywatch("completion", "bash", STRAYWATCH_CONFIG="", XDG_CONFIG_HOME=str(tmp_path))
    assert usual.code == 0
    named = straywatch("completion", "bash", STRAYWATCH_CONFIG=os.fspath(tmp_path / "none"))
    assert (named.code, named.is_one_clear_line) == (2, True)
