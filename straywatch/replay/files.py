"""The files to be replayed: those named, and the logs below each folder named."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from straywatch.errors import WrongUsageError

ENDINGS = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz", ".log", ".log.gz")
"""What a file in a folder is called if it may hold records."""

_DIGESTS = "CloudTrail-Digest"  # hashes of log files, which CloudTrail keeps beside them


@dataclass(frozen=True, slots=True)
class LogSource:
    """Something with records in it; `open` raises OSError where it cannot be read."""

    name: str
    size: int
    open: Callable[[], BinaryIO]


def sources(paths: tuple[str, ...]) -> list[LogSource]:
    """Find what the paths name; `-` is standard input, a folder all logs below it.

    Raises WrongUsageError for a path that does not exist, or a folder without a single log.
    """
    found: dict[str, LogSource] = {}
    for path in paths:
        for source in _standard_input() if path == "-" else _below(Path(path)):
            found.setdefault(source.name, source)
    return list(found.values())


def _standard_input() -> Iterator[LogSource]:
    yield LogSource("standard input", 0, lambda: sys.stdin.buffer)


def _below(path: Path) -> Iterator[LogSource]:
    if not path.exists():
        raise WrongUsageError(f"{path} does not exist")
    if not path.is_dir():
        yield _source(path)
        return
    logs = [p for p in sorted(path.rglob("*")) if p.name.endswith(ENDINGS) and p.is_file()]
    logs = [p for p in logs if _DIGESTS not in p.parts]
    if not logs:
        raise WrongUsageError(f"no log in {path}: looked for *{', *'.join(ENDINGS)}")
    yield from map(_source, logs)


def _source(path: Path) -> LogSource:
    return LogSource(str(path), path.stat().st_size, lambda: path.open("rb"))


class CountedReader(io.RawIOBase):
    """Reads `stream` and tells `count` how many bytes were read; closes it when it is closed."""

    def __init__(self, stream: BinaryIO, count: Callable[[int], None]) -> None:
        self._stream, self._count = stream, count

    def readable(self) -> bool:
        """Return True, as `io` asks."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # as io calls it
        """Fill the buffer, as `io` asks."""
        chunk = self._stream.read(len(buffer))
        buffer[: len(chunk)] = chunk
        self._count(len(chunk))
        return len(chunk)

    def close(self) -> None:
        """Close both."""
        if not self.closed:
            self._stream.close()
        super().close()
