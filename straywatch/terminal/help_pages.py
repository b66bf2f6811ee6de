"""Help that a screen of any width shows without breaking an option or a command apart."""

from __future__ import annotations

import re
from collections.abc import Iterable

import click

_HYPHEN, _BLANK = "\u2011", "\ue000"
"""Stand for a hyphen and for a blank at which a line must not end, while text is wrapped."""

_COMMAND = re.compile(r"`[^`]+`")


class WholeWords(click.HelpFormatter):
    """Wraps at blanks only, and at none within a `command`."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that says how to call it."""
        super().write_usage(_bound(prog), _bound(args), prefix)

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(_bound(text))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write options, or commands, and what they do."""
        super().write_dl([(_bound(a), _bound(b)) for a, b in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        """All that was written."""
        return super().getvalue().replace(_HYPHEN, "-").replace(_BLANK, " ")


def _bound(text: str) -> str:
    bound = _COMMAND.sub(lambda command: re.sub(r"\s+", _BLANK, command[0]), text)
    return re.sub(r"(?<=\S)-(?=\S)", _HYPHEN, bound)
