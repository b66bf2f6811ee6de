"""What `straywatch redrive` shows of letters, whatever they hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from straywatch.redrive.again import Inspected
from straywatch.redrive.formats import tell
from straywatch.redrive.handling import RedriveSummary
from straywatch.redrive.letters import read_letter


def shown(capsys: pytest.CaptureFixture[str], *bodies: str) -> str:
    """The table of letters with these bodies that were looked at."""
    now = str(int(datetime.now(UTC).timestamp() * 1000))
    letters = [
        read_letter(
            {
                "MessageId": f"id-{number}",
                "ReceiptHandle": "r",
                "Body": body,
                "Attributes": {"SentTimestamp": now},
                "MessageAttributes": {"reason": {"StringValue": "x" * 100_000}},
            }
        )
        for number, body in enumerate(bodies)
    ]
    tell(RedriveSummary([(letter, Inspected()) for letter in letters]), "table", "", 1000)
    return capsys.readouterr().out


def test_a_letter_of_any_length_leaves_the_table_readable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON holds it whole; a table shows how it begins."""
    monkeypatch.setenv("COLUMNS", "80")
    out = shown(capsys, "{" + "y" * 100_000)
    assert max(map(len, out.splitlines())) < 300
    assert "id-0" in out


def test_what_cannot_be_run_again_is_not_offered_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody is told to type a command that does nothing."""
    out = shown(capsys, "no JSON")
    assert "cannot be run again; --discard removes it" in out
    assert "straywatch redrive --yes" not in out
