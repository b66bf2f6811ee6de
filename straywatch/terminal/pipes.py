"""A reader that goes away before the end, as `head` does, is no failure of what it read from."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO


class ReaderLeft(BaseException):
    """Nobody reads any more; ends what would write for ever. No Exception, as nothing failed."""


class Heedless:
    """A stream that takes what it is given, also once its reader has left. Else as `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.reader_left = False
        self._failed: OSError | None = None

    def write(self, text: str) -> int:
        """Write, or drop what nobody reads."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, or drop what nobody reads."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the stream has
        return getattr(self._stream, name)

    def _try(self, act: Callable[[], object]) -> None:
        """Do without a reader. What a full disk did not take stays an error, but for exit."""
        if self._failed:
            raise self._failed
        try:
            act()
        except BrokenPipeError:
            self.reader_left = True
            self._to_nowhere()
        except OSError as error:
            self._failed = error
            self._to_nowhere()
            raise

    def _to_nowhere(self) -> None:
        """Lead the stream to nowhere, so that what is buffered still can be flushed at the end."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)


@contextmanager
def heedless_output() -> Iterator[None]:
    """Make standard output and error heedless for a `with` block; a closed one leads nowhere."""
    with ExitStack() as stack:
        for stream, redirect in ((sys.stdout, redirect_stdout), (sys.stderr, redirect_stderr)):
            # Python has None for a stream that was closed before it began (`>&-`)
            taken: TextIO = stream or stack.enter_context(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123
            stack.enter_context(redirect(Heedless(taken)))
        yield


def require_reader() -> None:
    """Raise ReaderLeft if nobody reads standard output any more: for what never ends by itself."""
    if getattr(sys.stdout, "reader_left", False):
        raise ReaderLeft
