"""Showing others' text on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from straywatch.alert_path.delivered import Delivered
from straywatch.local.story.player import StoryResult
from straywatch.local.story.script import Expected
from straywatch.local.story.stage import Terminal
from straywatch.text import visible_lines


def shown() -> tuple[Terminal, io.StringIO]:
    """Return a terminal and what appears on it."""
    out = io.StringIO()
    return Terminal(Console(file=out, force_terminal=False, width=100)), out


def test_control_characters_cannot_steer_the_terminal() -> None:
    """Escapes, carriage returns and bidirectional marks are made visible; lines stay lines."""
    assert visible_lines("a\x1b[2J\r\u202eb\nc") == "a\\x1b[2J\\r\\u202eb\nc"


def test_alerts_are_shown_as_mail_and_never_as_markup() -> None:
    """Subject and text appear as they were written, square brackets included."""
    terminal, out = shown()

    terminal.alert(
        Delivered("opened", "[LOW] [bold]x", "dear [red]reader[/red]\x1b[0m", {}, {}, "{}", 0.0)
    )

    assert "Subject: [LOW] [bold]x" in out.getvalue()
    assert "dear [red]reader[/red]" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_the_verdict_names_what_is_wrong() -> None:
    """A failed story says which alert is missing, which came uncalled, and what surprised."""
    terminal, out = shown()

    terminal.verdict(
        StoryResult([Expected("opened", "alice")], [Expected("opened", "bob")], ["call: boom"])
    )

    assert "missing: opened alert about 'alice'" in out.getvalue()
    assert "unexpected: opened alert about 'bob'" in out.getvalue()
    assert "surprise: call: boom" in out.getvalue()
