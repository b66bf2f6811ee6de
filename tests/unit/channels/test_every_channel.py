"""What a new channel must not forget in chalicelib; tests/e2e/test_template.py has the rest."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.bootstrap import Deployment
from straywatch.dashboard.forms import OF_CHANNELS
from tests.channels import CHANNELS


def defined(channel: str) -> Iterator[type[Any]]:
    """The classes that a channel's relay defines."""
    module = importlib.import_module(f"chalicelib.channels.{channel}.relay")
    for _, each in inspect.getmembers(module, inspect.isclass):
        if each.__module__ == module.__name__:
            yield each


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_package_holds_one_channel(channel: str) -> None:
    """Its relay.py has one class with the interface's method; mypy holds it to the signature."""
    assert len([each for each in defined(channel) if hasattr(each, "relay")]) == 1


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_channel_is_wired_under_its_own_name(channel: str) -> None:
    """Whoever looks for it in bootstrap finds it by the name of its package."""
    assert hasattr(Deployment, channel)


def test_the_page_shows_what_every_channel_sends() -> None:
    """But Security Hub's: that is the finding as it stands, which the page shows anyway."""
    shown = {name.lower().replace(" ", "_") for name in OF_CHANNELS}
    assert shown | {"security_hub"} == set(CHANNELS)
