"""The log: one line for each entry, whatever others wrote."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.log import log, metrics
from tests.unit.records import NOW


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # emptied by each readouterr
@given(st.text())
def test_text_of_others_stays_in_its_string(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """No user name or actor can forge a second line, or hide in the first."""
    log("event_received", user_name=text)
    line = capsys.readouterr().out
    assert line.endswith("\n")
    assert line[:-1].isascii()
    assert line[:-1].isprintable()
    assert json.loads(line) == {"event": "event_received", "user_name": text}


def test_times_and_errors_are_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is worth logging can be logged."""
    log("x", at=NOW, error=ValueError("no"))
    assert json.loads(capsys.readouterr().out)["at"] == "2026-11-23 12:00:00+00:00"


def test_counts_become_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    """CloudWatch reads each count of the line as a metric of its stack."""
    metrics("straywatch-test", users=3, strays=1)
    entry = json.loads(capsys.readouterr().out)
    (directive,) = entry["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Straywatch"
    assert [metric["Name"] for metric in directive["Metrics"]] == ["users", "strays"]
    assert directive["Dimensions"] == [["Stack"]]
    assert entry["Stack"] == "straywatch-test"
    assert (entry["users"], entry["strays"]) == (3, 1)
