"""Text, columns, files and progress of the operator's side."""

from __future__ import annotations

import io
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from straywatch.errors import WrongUsageError
from straywatch.terminal.columns import layout
from straywatch.terminal.files import check_writable, write
from straywatch.terminal.progress import counting, waiting
from straywatch.text import one_line, visible, visible_lines


@given(st.text())
def test_visible_text_always_prints(text: str) -> None:
    """Whatever a name holds, what is shown of it are printable characters on one line."""
    assert visible(text).isprintable()


def test_visible_text_shows_what_it_hides() -> None:
    """Codes for the terminal and marks of direction are spelled out, plain text stays."""
    assert visible("a b\x1b[31m\u202e\n") == "a b\\x1b[31m\\u202e\\n"


@given(st.text())
def test_a_sentence_stays_one_line(text: str) -> None:
    """What AWS or a file says is told on one line, without a mark that turns the writing round."""
    shown = one_line(f"{text}\u202e\x1b")
    assert shown.isprintable()
    assert "  " not in shown


def test_lines_stay_lines_where_a_mail_is_shown() -> None:
    """A mail keeps its lines, and nothing else that could steer a terminal."""
    assert visible_lines("a\nb\x1b\n") == "a\nb\\x1b\n"


NAMES = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=60)


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1), st.integers(24, 120))
def test_rows_fit_the_width_and_lose_nothing(rows: list[tuple[str, str, str]], width: int) -> None:
    """However long cells are, lines fit, and every character is still there."""
    for row, lines in zip(rows, layout(rows, width), strict=True):
        assert all(cell_len(line) <= width for line in lines)
        assert sorted("".join(lines).replace(" ", "")) == sorted("".join(row).replace(" ", ""))


def test_columns_are_aligned() -> None:
    """The second cells of all rows begin in one column, also behind wide letters."""
    lines = [line for row in layout([("ab", "x"), ("\u4f60\u597d", "y")], 80) for line in row]
    assert lines == ["ab    x", "\u4f60\u597d  y"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new text stands in place of the old, with the old one's mode, and nothing beside it."""
    target = tmp_path / "report"
    target.write_text("old")
    target.chmod(0o640)
    write("new\r\n", target)
    assert target.read_bytes() == b"new\r\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """Text that cannot be encoded changes nothing and leaves nothing behind."""
    target = tmp_path / "report"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write("\ud800", target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """The file behind a link is replaced, not the link."""
    target, link = tmp_path / "real", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write("new", link)
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_path_that_cannot_be_written_is_refused_beforehand(tmp_path: Path) -> None:
    """A folder, and a file in no folder, are refused with the reason."""
    with pytest.raises(WrongUsageError, match="is a folder"):
        check_writable(tmp_path)
    with pytest.raises(WrongUsageError, match="no folder"):
        check_writable(tmp_path / "none" / "file")
    check_writable(tmp_path / "file")
    check_writable(Path("/dev/null"))


class Terminal(io.StringIO):
    """A screen."""

    def isatty(self) -> bool:
        """Say that a person looks at it."""
        return True


def ticks(*times: float) -> Iterator[float]:
    """A clock that shows these times, one after the other."""
    yield from times


@pytest.mark.parametrize(
    ("stream", "term", "late", "shown"),
    [
        (Terminal(), "xterm", 2.0, True),
        (Terminal(), "xterm", 0.5, False),
        (Terminal(), "dumb", 2.0, False),
        (io.StringIO(), "xterm", 2.0, False),
    ],
)
def test_progress_shows_on_a_terminal_after_a_second(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, term: str, late: float, *, shown: bool
) -> None:
    """Short work, pipes, and terminals that cannot redraw a line see nothing of it."""
    monkeypatch.setenv("TERM", term)
    clock = ticks(0.0, late, late)
    with counting("Reading users", stream, lambda: next(clock)) as add:
        add(1000)
    assert ("Reading users" in stream.getvalue()) is shown
    assert bool(stream.getvalue()) is shown


def test_a_wait_shows_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once it has taken its time; what is printed meanwhile stays on standard output."""
    monkeypatch.setenv("TERM", "xterm")
    screen, pipe = Terminal(), io.StringIO()
    before = sys.stdout
    with waiting("Looking at users", screen, patience=0):
        while "Looking at users" not in screen.getvalue():
            assert sys.stdout is before
    with waiting("Looking at users", screen, patience=3600), waiting("In vain", pipe, patience=0):
        seen = screen.getvalue()
    assert (screen.getvalue(), pipe.getvalue()) == (seen, "")
