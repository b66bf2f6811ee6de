"""Match names against patterns of `*` and `?`, as IAM and exemptions write them."""

from __future__ import annotations

from fnmatch import fnmatchcase


def matches(pattern: str, text: str) -> bool:
    """Say whether the whole of `text` fits `pattern`, without regard to case.

    Brackets mean themselves. Time is bounded for any pattern: Python's translation of a glob
    never backtracks into an earlier `*`.
    """
    return fnmatchcase(text.casefold(), pattern.casefold().replace("[", "[[]"))
