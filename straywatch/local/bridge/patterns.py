"""The regular expressions of AWS's service models, read as Python's `re` reads its own.

AWS writes them for Java and JavaScript, and means the whole text by them.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

_BEYOND_16_BITS = r"\uD800\uDC00-\uDBFF\uDFFF"  # JavaScript needs two units for such a character
_CATEGORY = re.compile(r"\\p\{(Print|[A-Z])\}")
_CLASS_AND_DASH = re.compile(r"(\\[wds])-(?=[^\]])")  # `[\w-/]`, which is no range


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a model's pattern, for `fullmatch`. Raises re.error for what is not understood."""
    pattern = pattern.replace(_BEYOND_16_BITS, r"\U00010000-\U0010FFFF")
    pattern = _CATEGORY.sub(lambda found: _ranges(found[1]), pattern)
    return re.compile(_CLASS_AND_DASH.sub(r"\1\\-", pattern), re.ASCII)


@cache
def _ranges(category: str) -> str:
    """Write the characters of a Unicode category as they stand within brackets."""
    if category == "Print":
        return r"\x20-\x7e"
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in _runs(category))


def _runs(category: str) -> Iterator[tuple[int, int]]:
    start = None
    for code in range(sys.maxunicode + 1):
        within = unicodedata.category(chr(code)).startswith(category)
        if within and start is None:
            start = code
        elif not within and start is not None:
            yield start, code - 1
            start = None
