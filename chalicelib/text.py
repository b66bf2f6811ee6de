"""Text from others made harmless: one line, printable, short enough, ASCII where it must be."""

from __future__ import annotations

import re
import textwrap

WIDTH = 80
"""Columns of a mail: what every mail program and terminal shows without a break."""

_LINK_STARTS = (
    (re.compile(r"(?i)([a-z]):(?=//)"), r"\1[:]"),
    (re.compile(r"(?i)\b(www)\."), r"\1[.]"),
)


def plain(text: str) -> str:
    """One line of printable characters: controls, line breaks and direction marks become '?'."""
    return "".join(c if c.isprintable() else "?" for c in text)


def harmless(text: str) -> str:
    """`plain`, with the beginnings of links broken, so that no mail program makes one of them."""
    shown = plain(text)
    for pattern, broken in _LINK_STARTS:
        shown = pattern.sub(broken, shown)
    return shown


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


def wrapped(text: str, indent: int = 0) -> list[str]:
    """Lines of at most `WIDTH` columns, all but the first indented; a longer word stays whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 user`, `2,000 users`; `many` where an s does not make a plural."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
