"""An operator's files: read as text, written whole or not at all."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import click

from straywatch.errors import WrongUsageError


def read(path: Path) -> str:
    """The text of a file; `-` is standard input. Raises OSError, WrongUsageError if not UTF-8."""
    try:
        content = sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()
        return content.decode("utf-8-sig")  # some editors mark UTF-8 at the beginning
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise WrongUsageError(
            f"{path} is not UTF-8 text: {error.reason} on line {line}; save it as UTF-8"
        ) from error


def check_writable(path: Path) -> None:
    """Raise WrongUsageError, before any work is done, if `path` could not be written."""
    folder = path.parent
    if path.is_dir():
        raise WrongUsageError(f"{path} is a folder: name a file")
    if not folder.is_dir():
        raise WrongUsageError(f"there is no folder {folder}: make it first")
    if not os.access(path if _is_special(path) else folder, os.W_OK):
        raise WrongUsageError(f"{path} cannot be written: permission denied")


def write(text: str, path: Path | None) -> None:
    """Write to standard output, or to `path`, which holds the old text or all of the new."""
    if path is None:
        click.echo(text, nl=False)
    elif _is_special(path):
        path.write_text(text, encoding="utf-8")
    else:
        _replace(path, text)


@contextmanager
def written_to(path: Path | None) -> Iterator[None]:
    """Write to `path` what a `with` block prints, once it has ended well; None and `-`: no file."""
    if path is None or path == Path("-"):
        yield
        return
    check_writable(path)
    with redirect_stdout(io.StringIO()) as printed:
        yield
    write(printed.getvalue(), path)


def _is_special(path: Path) -> bool:
    """Whether the path is there and no plain file, as /dev/stdout: it must not be replaced."""
    return path.exists() and not path.is_file()


def _replace(path: Path, text: str) -> None:
    target = path.resolve()  # a link stays a link
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(target.stat().st_mode if target.exists() else 0o666 & ~_umask())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
