"""The texts of the alerts, read by a person once and held since: tests/unit/snapshots."""

from __future__ import annotations

import pytest

from tests.unit.examples import EXAMPLES
from tests.unit.snapshots import FOLDER, shown


@pytest.mark.parametrize("name", EXAMPLES)
def test_reads_as_it_was_approved(name: str) -> None:
    """A changed text shows in review: `python -m tests.unit.snapshots` writes it anew."""
    assert shown(EXAMPLES[name]) == (FOLDER / f"{name}.txt").read_text()


def test_no_snapshot_is_left_over() -> None:
    """Every file shows a message that is still sent."""
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(EXAMPLES)
