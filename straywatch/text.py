"""Text from others for a terminal or a page: what does not print is shown, or goes."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""One line of printable characters that tells what the others are: `\x1b`, `\n`, `\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """`visible`, but for the ends of lines."""
    return "\n".join(map(visible, text.split("\n")))


def one_line(text: object) -> str:
    """A sentence on one line: what does not print becomes a space, and spaces run together."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())


def shorten(text: object, most: int = 200) -> str:
    """A sentence on one line of at most so many characters, and dots where it went on."""
    line = one_line(text)
    return line if len(line) <= most else f"{line[: most - 3]}..."
