"""What broke a promise once breaks none any more."""

from __future__ import annotations

import pytest

from tests.simulation.known_histories import KNOWN
from tests.simulation.plan import Plan
from tests.simulation.play import play
from tests.simulation.witness import witness


@pytest.mark.parametrize("plan", KNOWN.values(), ids=KNOWN.keys())
def test_every_promise_holds_in_what_once_broke_one(plan: Plan) -> None:
    """A fault that was mended stays so."""
    assert [str(violation) for violation in play(plan, witness().product).violations] == []
