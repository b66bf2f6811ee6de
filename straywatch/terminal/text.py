"""Other people's text, made safe to show on a terminal or a page."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""Return `text` with every character that does not print as itself written as an escape.

    Terminal sequences, line breaks and marks that turn the direction of writing become `\x1b`,
    `\n` or `\u202e`.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
