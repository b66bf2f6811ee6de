"""Refuses JSON that nests without end, before a parser spends hours on it."""

from __future__ import annotations

import io
import re
from typing import Any

MOST_NESTED = 1000
"""Levels; a CloudTrail record has some ten. ijson takes the square of them."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = 1 << 12


class TooDeepError(ValueError):
    """It nests too deeply to be read."""


class Shallow(io.RawIOBase):
    """Reads `stream`; raises TooDeepError once what was read nests deeper than MOST_NESTED."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._open_string = b""
        self._depth = 0

    def readable(self) -> bool:
        """Return True, as `io` asks."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer, as io defines it
        """Fill the buffer, as `io` asks."""
        chunk = self._stream.read(len(buffer)) or b""
        self._look(chunk)
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _look(self, chunk: bytes) -> None:
        """Follow the brackets, but for those in strings, which may go on in the next chunk."""
        bare = _STRING.sub(b"", self._open_string + chunk)
        bare, quote, rest = bare.partition(b'"')
        self._open_string = quote + rest
        brackets = bare.translate(None, _NO_BRACKETS)
        for start in range(0, len(brackets), _STEP):
            step = brackets[start : start + _STEP]
            self._depth += step.count(b"[") + step.count(b"{")
            self._depth -= step.count(b"]") + step.count(b"}")
            if self._depth > MOST_NESTED:
                raise TooDeepError(f"it nests deeper than {MOST_NESTED:,} levels")
