"""Tables for people and spreadsheets, whatever others wrote into them."""

from __future__ import annotations

import csv
import io

import pytest
from click import unstyle

from chalicelib.text import counted
from straywatch.terminal.tables import console, print_table, write_csv

HOSTILE = "[bold]x[/bold]\x1b[31mred\n\u202eevil"


class Pipe(io.StringIO):
    """What a program reads."""


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def test_a_pipe_gets_each_row_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the cells are: programs read lines."""
    monkeypatch.delenv("COLUMNS", raising=False)
    out = Pipe()
    print_table(console(out), ("name", "note"), [("n" * 150, "m" * 150)])
    lines = out.getvalue().splitlines()
    assert [line.split() for line in lines] == [["name", "note"], ["n" * 150, "m" * 150]]


def test_a_narrow_terminal_folds_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long name stays in one piece, below its row, so that it can be copied; prose folds."""
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    out = Screen()
    print_table(console(out), ("name", "note"), [("x" * 64, "word " * 10)])
    first, *prose, head, name = unstyle(out.getvalue()).splitlines()
    assert (first, head, name) == ("note", "  name", f"    {'x' * 64}")
    assert (max(map(len, prose)) <= 30, " ".join(prose).split()) == (True, ["word"] * 10)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """https://no-color.org: not one colour sequence, bold may stay."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    out = Screen()
    print_table(console(out), ("name",), [("x",)])
    assert "\x1b[3" not in out.getvalue()


def test_hostile_text_is_shown_and_not_obeyed() -> None:
    """Markup and terminal sequences of others come out as written, on one line."""
    out = Pipe()
    print_table(console(out), ("name",), [(HOSTILE,)])
    assert out.getvalue().splitlines()[1].strip() == r"[bold]x[/bold]\x1b[31mred\n\u202eevil"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_never_runs_a_cell(text: str) -> None:
    """A cell that would be a formula is written as text."""
    out = io.StringIO()
    write_csv(out, ("name",), [(text,), (None,)])
    assert list(csv.reader(io.StringIO(out.getvalue()))) == [["name"], ["'" + text], [""]]


def test_a_number_agrees_with_its_noun() -> None:
    """Of one there is one."""
    told = [counted(1, "user"), counted(1200, "user"), counted(2, "stretch", "stretches")]
    assert told == ["1 user", "1,200 users", "2 stretches"]
