"""`straywatch replay` as a person or a script runs it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from pathlib import Path

import pytest

from tests.adapters.conftest import Straywatch
from tests.unit.trail import at, created, deleted, joined, left, record

HISTORY = [
    created(at(), "ann"),
    joined(at(minutes=10), "ann", "dev"),
    created(at(), "bob"),
    joined(at(hours=2), "bob", "dev"),
    left(at(days=1), "old", "x"),
    deleted(at(days=3), "old"),
    created(at(days=3), "eve", recipientAccountId="999999999999"),
    record(at(days=4), "GetObject", "x", eventSource="s3.amazonaws.com"),
]


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A folder as `aws s3 sync` leaves it, digests and all."""
    folder = tmp_path / "AWSLogs" / "CloudTrail" / "us-east-1"
    digests = tmp_path / "AWSLogs" / "CloudTrail-Digest"
    for path in (folder, digests):
        path.mkdir(parents=True)
    (digests / "digest.json.gz").write_bytes(gzip.compress(b'{"awsAccountId": "1"}'))
    for number, part in enumerate((HISTORY[5:], HISTORY[:5])):
        body = gzip.compress(json.dumps({"Records": part}).encode())
        (folder / f"log{number}.json.gz").write_bytes(body)
    return tmp_path / "AWSLogs"


def graces(out: str) -> list[tuple[int, int, int]]:
    """The table by grace, from JSON: grace, alerts, avoided."""
    return [(g["grace_seconds"], g["alerts"], g["avoided"]) for g in json.loads(out)["graces"]]


def test_a_folder_of_logs_tells_what_each_grace_would_have_done(
    straywatch: Straywatch, logs: Path
) -> None:
    """Known history, known answer; credentials are not needed."""
    said = straywatch("replay", logs, "--format", "json")
    assert (said.code, said.err) == (0, "")
    assert graces(said.out) == [(0, 4, 0), (300, 3, 0), (900, 2, 1), (3600, 2, 1), (86400, 1, 2)]
    told = json.loads(said.out)
    assert [(s["user_name"], s["seconds"], s["ending"]) for s in told["stretches"]] == [
        ("ann", 600, "joined_group"),
        ("bob", 7200, "joined_group"),
        ("old", 172_800, "deleted"),
        ("eve", 0, "log_ends"),
    ]
    assert told["stretches"][1]["alerts_at"] == [0, 300, 900, 3600]
    assert set(told["accounts"]) == {"123456789012", "999999999999"}


def test_graces_are_the_users_choice(straywatch: Straywatch, logs: Path) -> None:
    """In any unit and order, each once."""
    said = straywatch(
        "replay", logs, "--format", "json", *["--grace", "2h", "--grace", "60", "--grace", "1m"]
    )
    assert graces(said.out) == [(60, 3, 0), (7200, 2, 1)]


def test_a_table_says_it_all_to_people(straywatch: Straywatch, logs: Path) -> None:
    """Figures by grace, the longest stretches, and what cannot be known."""
    said = straywatch("replay", logs, "--longest", "1")
    lines = said.out.splitlines()
    assert [re.split(" {2,}", line) for line in lines if line.startswith("15 min")] == [
        ["15 min", "2", "0", "2", "1", "1", "2 h", "1 day 1 h", "2 days"]
    ]
    assert "old" in said.out
    assert "bob" not in said.out
    assert "1 user older than the log" in said.out
    assert "straywatch audit" in said.out


def test_csv_has_a_row_for_each_stretch(straywatch: Straywatch, logs: Path) -> None:
    """With a column for each grace, as a spreadsheet wants it."""
    said = straywatch("replay", logs, "--format", "csv", "--grace", "15m")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [(row["user_name"], row["alert_at_900s"]) for row in rows] == [
        ("ann", "0"), ("bob", "1"), ("old", "1"), ("eve", "0"),
    ]  # fmt: skip


def test_the_same_log_twice_counts_once(straywatch: Straywatch, logs: Path, tmp_path: Path) -> None:
    """Several trails, or a folder and a file in it."""
    copy = tmp_path / "copy.jsonl"
    copy.write_text("\n".join(map(json.dumps, HISTORY)))
    said = straywatch("replay", copy, logs, logs, "--format", "json")
    assert graces(said.out)[0] == (0, 4, 0)
    assert json.loads(said.out)["read"]["duplicates"] == 7


def test_malformed_records_are_told_and_do_no_harm(straywatch: Straywatch, tmp_path: Path) -> None:
    """Hostile names are refused as the monitor refuses them, and shown harmlessly.

    The exit code says that records which could matter are missing.
    """
    bad = record(
        at(), "CreateUser", "x", requestParameters={"userName": "evil\x1b[31m\nstraywatch: "}
    )
    log = tmp_path / "log.jsonl"
    log.write_text("\n".join([*map(json.dumps, [*HISTORY, bad]), "{half"]))
    said = straywatch("replay", log, "--format", "json")
    assert said.code == 3
    assert graces(said.out)[0] == (0, 4, 0)
    assert json.loads(said.out)["read"]["malformed"] == 2
    assert said.err.count("\n") == 2
    assert "\x1b" not in said.err


def test_a_broken_file_among_good_ones_is_no_clean_bill(straywatch: Straywatch, logs: Path) -> None:
    """The rest is told, the file is named, and the exit code says that something is missing."""
    (logs / "cut.json.gz").write_bytes(gzip.compress(b'{"Records": [')[:-3])
    said = straywatch("replay", logs, "--format", "json")
    assert said.code == 3
    assert graces(said.out)[0] == (0, 4, 0)
    assert "cut.json.gz" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        (), ("--nonsense",), ("missing.json",), ("--days", "7", "{log}"),
        ("--from-account", "--days", "91"), ("{log}", "--grace", "soon"),
        ("{log}", "--grace", "8d"), ("{log}", "--format", "xml"), ("{empty}",),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_exit_2(
    straywatch: Straywatch, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Each says what is wrong before anything is read."""
    log, empty = tmp_path / "log.json", tmp_path / "empty"
    log.write_text(json.dumps(HISTORY[0]))
    empty.mkdir()
    said = straywatch("replay", *(a.format(log=log, empty=empty) for a in arguments))
    assert said.code == 2
    assert said.is_one_clear_line, said.err


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00\x01", b"[]", b'{"Records": []}'])
def test_nothing_to_read_is_no_answer(
    straywatch: Straywatch, tmp_path: Path, content: bytes
) -> None:
    """An empty or foreign file never reads as "no alerts"."""
    log = tmp_path / "log.json"
    log.write_bytes(content)
    said = straywatch("replay", log)
    assert said.code == 3
    assert said.is_one_clear_line, said.err


def test_the_account_needs_credentials(straywatch: Straywatch) -> None:
    """Without any, one line says where to put them."""
    said = straywatch("replay", "--from-account", AWS_REGION="us-east-1")
    assert (said.code, said.is_one_clear_line) == (3, True)
    assert "no AWS credentials found" in said.err


def test_help_has_examples(straywatch: Straywatch) -> None:
    """A newcomer copies a line and is under way."""
    said = straywatch("replay", "--help")
    assert said.code == 0
    assert "straywatch replay --from-account --days 90" in said.out
