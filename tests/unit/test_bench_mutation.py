"""The driver that plants faults: what it plants, on which tests, and what may live."""

from __future__ import annotations

import tomllib

import pytest

from bench.mutation.__main__ import EXPLAINED
from bench.mutation.choosing import ROOT, choose
from bench.mutation.faults import faults

MAY_LIVE = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", MAY_LIVE)
def test_whatever_may_live_is_a_fault_that_is_planted(path: str) -> None:
    """An explanation does not outlive the code that it is about; each gives a reason."""
    planted = {fault.key for fault in faults((ROOT / path).read_text(encoding="utf-8"))}
    assert MAY_LIVE[path].keys() <= planted
    assert all(MAY_LIVE[path].values())


def test_a_fault_is_tried_on_the_tests_of_its_module() -> None:
    """Those that import it, themselves or by a helper, and no slow ones where these are."""
    chosen = {path.split("/tests/")[1] for path in choose([ROOT / "chalicelib/domain/floods.py"])}
    assert "unit/test_floods.py" in chosen
    assert all(path.startswith("unit/") for path in chosen)
    card = ROOT / "chalicelib/channels/chat/card.py"
    assert str(ROOT / "tests/unit/test_snapshots.py") in choose([card])


def test_each_fault_differs_from_the_code() -> None:
    """And has a key of its own but for its line."""
    source = "LIMIT = 3\n\ndef above(count):\n    log('seen', count=1)\n    return count > LIMIT\n"
    assert [fault.key for fault in faults(source)] == [
        " | 3 | 4",
        "above | count > LIMIT | Gt is GtE",
    ]
