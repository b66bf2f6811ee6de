"""What the bench holds against the floor of each deployed function."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from bench.cold_import import Function, functions
from tests.channels import CHANNELS


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_what_is_imported_late_is_there(function: Function) -> None:
    """It is imported by these names to be measured."""
    assert [name for name in function.late if find_spec(name) is None] == []


def test_what_one_function_alone_needs_is_imported_late() -> None:
    """What only the sweep or a stray's check needs is measured with them, and with no other."""
    late = {function.name: function.late for function in functions()}
    assert late["on_membership_lost"] == late["on_membership_settled"] == ()
    assert "chalicelib.flows.sweep" in late["sweep"]
    assert "chalicelib.domain.risk" in late["check_membership"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_is_imported_by_its_own_function_alone(channel: str) -> None:
    """No other function pays for it when it starts."""
    relay = f"chalicelib.channels.{channel}.relay"
    assert len([function for function in functions() if relay in function.late]) == 1
