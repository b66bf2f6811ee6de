"""`straywatch org` for whoever has no organization yet, or types wrong things."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from straywatch.cli import run
from tests.adapters.moto_stack import moto_stack


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment that watches its own account alone."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto_stack():
        yield


@pytest.mark.usefixtures("stack")
@pytest.mark.parametrize("command", ["status", "template", "enable", "disable"])
def test_one_account_alone_is_told_how_to_become_a_hub(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In one line, with the command that does it."""
    assert run(["org", command]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "straywatch deploy --parameter OrganizationId=o-..." in said.err


def test_a_wrong_word_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """And named alone the group shows its help."""
    assert run(["org", "statsu"]) == 2
    assert "status" in capsys.readouterr().err
    assert run(["org"]) == 0
    assert "template" in capsys.readouterr().out
