"""Single keys from the terminal, by name, without waiting for a line."""

from __future__ import annotations

import os
import re
import sys
import termios
import time
import tty
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from select import select
from typing import IO, Any

_NAMES = {
    "\x1b[A": "up", "\x1bOA": "up", "k": "up",
    "\x1b[B": "down", "\x1bOB": "down", "j": "down",
    "\x1b[5~": "page up", "\x1b[6~": "page down", " ": "page down",
    "\x1b[H": "home", "\x1b[F": "end", "\x1b": "0", "\n": "enter", "\r": "enter",
}  # fmt: skip
_KEY = re.compile("\x1b(?:\\[[0-9;]*[~A-Za-z]|O[A-Za-z])?|.", re.DOTALL)


Key = Callable[[float], str]
"""Waits so many seconds for a key and names it; `""` if none was pressed."""


@contextmanager
def keys(stream: IO[Any] | None = None) -> Iterator[Key]:
    """Take the terminal's keys one by one for a `with` block."""
    terminal = stream or sys.stdin
    if not terminal.isatty():
        yield _no_key
        return
    number = terminal.fileno()
    before = termios.tcgetattr(number)
    pressed: deque[str] = deque()

    def key(seconds: float) -> str:
        if not pressed and select([number], [], [], seconds)[0]:
            pressed.extend(_KEY.findall(os.read(number, 256).decode(errors="ignore")))
        one = pressed.popleft() if pressed else ""
        return _NAMES.get(one, one)

    try:
        tty.setcbreak(number)
        yield key
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _no_key(seconds: float) -> str:
    time.sleep(seconds)
    return ""
