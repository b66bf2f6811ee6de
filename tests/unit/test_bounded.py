"""What is kept between invocations stays small."""

from __future__ import annotations

from chalicelib.bounded import Bounded


def test_one_more_than_fits_begins_anew_and_a_newer_value_of_the_same_does_not() -> None:
    """However many accounts a function meets in its life."""
    kept: Bounded[str, int] = Bounded(2)
    kept["a"] = kept["b"] = 1
    kept["b"] = 2
    assert kept == {"a": 1, "b": 2}
    kept["c"] = 3
    assert kept == {"c": 3}
