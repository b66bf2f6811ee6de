"""Text from others made harmless: one line, printable, short enough, ASCII where it must be."""

from __future__ import annotations

import unicodedata

# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html: under 100 characters, ASCII, no
# line breaks or control characters
LONGEST_SUBJECT = 99


def plain(text: str) -> str:
    """One line of printable characters: controls, line breaks and direction marks become '?'."""
    return "".join("?" if unicodedata.category(c)[0] in "CZ" and c != " " else c for c in text)


def ascii_only(text: str) -> str:
    """`plain`, with everything outside printable ASCII shown as '?'."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)


def elided(text: str, longest: int) -> str:
    """At most `longest` characters: the middle goes, since beginnings and ends tell names apart."""
    if len(text) <= longest:
        return text
    kept = longest - 3
    tail = kept // 2
    return f"{text[: kept - tail]}...{text[len(text) - tail :]}"
