"""`python -m bench.mining`: reads the published format, checks what it prints."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from bench.mining import UnreadableSetError, is_exact, measure
from straywatch.remediation.planning.mining import Cover, Row


def test_it_measures_a_packed_set(tmp_path: Path) -> None:
    """Two roles, three users, one of whom holds both: two groups, and no fewer are possible."""
    path = tmp_path / "tiny.txt.gz"
    lines = ["ann read", "ann list", "bob write", "eve read", "eve list", "eve write"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    found = measure(path)
    assert (found.name, found.users, found.permissions) == ("tiny", 3, 3)
    assert (found.groups, found.bound, found.exact) == (2, 2, True)


def test_an_answer_that_gives_too_much_or_too_little_is_not_exact() -> None:
    """The check does not trust the miner."""
    rows = (Row(0b011, 0b011), Row(0b100, 0b100))
    assert is_exact(rows, Cover((0b011, 0b100), 2))
    assert not is_exact(rows, Cover((0b001, 0b100), 2))
    assert not is_exact(rows, Cover((0b111,), 1))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"ann read now\n", "line 1: not"), (b"\n", "holds no assignment"), (b"\xff\xfe", "read")],
)
def test_a_file_that_is_no_set_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """One line says what is wrong and where."""
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(UnreadableSetError, match=words):
        measure(path)
