"""What the bench holds against the floor of each deployed function."""

from __future__ import annotations

from importlib.util import find_spec

from bench.cold_import import LATE, functions


def test_late_imports_are_of_functions_and_modules_that_exist() -> None:
    """After a rename no function is measured without what it imports when it is called."""
    named = [function.name for function in functions()]

    assert [name for name in LATE if name not in named] == []
    assert [each for late in LATE.values() for each in late if find_spec(each) is None] == []
