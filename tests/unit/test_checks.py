"""The last line of `make test`, and what counts as passed."""

from __future__ import annotations

import sys

import pytest

from scripts.checks import Check, Result, closing_line, run, summary

OK = Result("lint", passed=True, seconds=1.0, said="")
BAD = Result("types", passed=False, seconds=1.0, said="app.py:1: error")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("..\n412 passed in 93.21s (0:01:33)\n", "412 passed in 93.21s (0:01:33)"),
        ("=== 1 failed, 3 passed in 0.12s ===\n", "1 failed, 3 passed in 0.12s"),
        ("==== no tests ran in 0.01s ====", "no tests ran in 0.01s"),
        ("Segmentation fault", "pytest did not finish"),
        ("", "pytest did not finish"),
    ],
)
def test_pytests_own_last_word_is_found(said: str, line: str) -> None:
    """The counts are pytest's own; a run that broke off is said to have."""
    assert closing_line(said) == line


def test_the_summary_holds_the_checks_and_the_tests() -> None:
    """One line tells all, names what failed, and says why the browser tests were left out."""
    tests = Result("tests", passed=True, seconds=9.0, said="7 passed in 8.00s")
    assert summary([OK], tests) == "checks: 1 of 1 passed; tests: 7 passed in 8.00s"
    assert summary([OK, BAD], tests).startswith("checks: 1 of 2 passed (FAILED: types); tests:")
    assert summary([OK], tests, "none").endswith("in 8.00s; BROWSER TESTS NOT RUN: none")


def test_a_check_passes_by_its_exit_code() -> None:
    """What a check says is kept, whichever way it ends."""
    good = run(Check("good", (sys.executable, "-c", "print('fine')")))
    bad = run(Check("bad", (sys.executable, "-c", "import sys; sys.exit('broken')")))
    assert (good.passed, good.said.strip()) == (True, "fine")
    assert (bad.passed, bad.said.strip()) == (False, "broken")
