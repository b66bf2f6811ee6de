"""From bytes to CloudTrail records, in whatever wrapping they were kept, in bounded memory.

Read are: log files as CloudTrail delivers them ({"Records": [...]}, gzip or not), what `aws
cloudtrail lookup-events` prints ({"Events": [...]}), EventBridge envelopes, single records, lists
of any of these, and any of these line by line or one after the other.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson

from straywatch.replay.depth import Shallow

HEAD_BYTES = 1 << 20
"""How much is looked at to tell the wrapping: more than any record, of 256 KB at most."""

LONGEST_LINE = 16 << 20
"""A longer line is refused, as it would have to be held in memory whole."""

_CHUNK_BYTES = 1 << 18
_WRAPPERS = ("Records", "Events")
_MOST_NESTED = 3
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Malformed:
    """A piece that is no CloudTrail record; what follows it was read.

    `matters` where it may be a record that was spoilt, and not only something else.
    """

    reason: str
    matters: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """The source cannot be read any further; what came before it was."""

    reason: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """An EventBridge envelope that is not IAM's, and which no rule of Straywatch matches."""


Piece = Mapping[str, Any] | Malformed | Broken | Foreign


_TORN = (EOFError, gzip.BadGzipFile, zlib.error)


def pieces(raw: BinaryIO) -> Iterator[Piece]:
    """Yield each record of `raw`, and word of whatever is none. Raises OSError if reading fails."""
    try:
        yield from _plain_pieces(_unzipped(raw))
    except _TORN as error:
        yield Broken(f"the compressed data ends or breaks: {error}")


class _Unzipped(io.RawIOBase):
    """What gzip holds: all that comes before a tear is read before the tear is raised."""

    def __init__(self, zipped: BinaryIO) -> None:
        self._file = gzip.GzipFile(fileobj=zipped)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - a writable buffer, as io defines it
        chunk = self._file.read1(len(buffer))
        buffer[: len(chunk)] = chunk
        return len(chunk)


class _Rejoined(io.RawIOBase):
    """A stream whose head was read already, from its beginning; `torn` is raised in its rest."""

    def __init__(self, head: bytes, rest: io.RawIOBase, torn: Exception | None = None) -> None:
        self._head, self._rest, self._torn = memoryview(head), rest, torn

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - as above
        if self._head:
            size = min(len(buffer), len(self._head))
            buffer[:size] = self._head[:size]
            self._head = self._head[size:]
            return size
        if self._torn:
            raise self._torn
        chunk = self._rest.read(len(buffer)) or b""
        buffer[: len(chunk)] = chunk
        return len(chunk)


def _unzipped(raw: BinaryIO) -> io.RawIOBase:
    start = raw.read(2)
    whole = _Rejoined(start, raw)  # type: ignore[arg-type]  # any stream reads like a raw one
    return _Unzipped(whole) if start == b"\x1f\x8b" else whole  # type: ignore[arg-type]  # as above


def _head(stream: io.RawIOBase) -> tuple[bytes, Exception | None]:
    """The beginning of a stream, as far as it is whole, and what tears it, if it is torn there."""
    head = bytearray()
    try:
        while len(head) < HEAD_BYTES and (chunk := stream.read(HEAD_BYTES - len(head))):
            head += chunk
    except _TORN as error:
        return bytes(head), error
    return bytes(head), None


def _plain_pieces(stream: io.RawIOBase) -> Iterator[Piece]:
    head, torn = _head(stream)
    head = head.removeprefix(_BOM)
    whole = _Rejoined(head, stream, torn)
    if not head.strip() and not torn:
        yield Broken("it is empty, as no log of CloudTrail's is")
    elif _is_by_line(head):
        yield from _by_line(io.BufferedReader(whole, _CHUNK_BYTES))
    else:
        yield from _by_document(Shallow(whole), _prefix(head))


def _is_by_line(head: bytes) -> bool:
    """Whether each line stands for itself, so that a bad one costs no other."""
    lines = head.strip().splitlines()[:20]
    if len(lines) <= 1:
        return False
    if _is_object(lines[0]):
        return True
    is_opening = lines[0].startswith(b"[") or (
        lines[0].startswith(b"{") and lines[0].rstrip().endswith((b"{", b"[", b",", b":"))
    )
    return not is_opening and any(map(_is_object, lines[1:]))


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _by_line(stream: BinaryIO) -> Iterator[Piece]:
    while line := stream.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
            yield Malformed("a line is too long")
        elif line.strip():
            yield from records_of_text(line)


def records_of_text(text: bytes | str) -> Iterator[Piece]:
    """Yield what one JSON value holds; text that is none is one malformed piece."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Malformed(f"not JSON: {error}")
    else:
        yield from _unwrapped(value)


def _prefix(head: bytes) -> str:
    """Where the records stand, as ijson names a place; empty for documents that are records."""
    depth, key = 0, ""
    try:
        for event, value in ijson.basic_parse(head):
            if event == "map_key" and depth == 1:
                key = value
            elif event == "start_array" and depth == 0:
                return "item"
            elif event == "start_array" and depth == 1 and key in _WRAPPERS:
                return f"{key}.item"
            depth += event.startswith("start_") - event.startswith("end_")
    except (ijson.JSONError, ValueError):
        return ""  # reading it from the beginning will tell where it breaks
    return ""


def _by_document(stream: io.RawIOBase, prefix: str) -> Iterator[Piece]:
    values = ijson.items(
        stream, prefix, multiple_values=True, use_float=True, buf_size=_CHUNK_BYTES
    )
    while True:
        try:
            value = next(values)
        except StopIteration:
            return
        except (ijson.JSONError, ValueError, OverflowError) as error:
            yield Broken(f"not JSON from here on: {error}")
            return
        yield from _unwrapped(value)


def _unwrapped(value: object, depth: int = 0) -> Iterator[Piece]:
    if isinstance(value, Mapping):
        yield from _of_object(value, depth)
    elif isinstance(value, list) and depth < _MOST_NESTED:
        for item in value:
            yield from _unwrapped(item, depth + 1)
    else:
        yield Malformed(f"not a record but a {type(value).__name__}", matters=False)


def _of_object(value: Mapping[str, Any], depth: int) -> Iterator[Piece]:
    wrapped = next((value[key] for key in _WRAPPERS if isinstance(value.get(key), list)), None)
    if wrapped is not None:
        yield from _unwrapped(wrapped, depth + 1)
    elif isinstance(value.get("CloudTrailEvent"), str) and depth < _MOST_NESTED:
        yield from records_of_text(value["CloudTrailEvent"])
    elif isinstance(value.get("detail"), Mapping) and "detail-type" in value:
        yield value["detail"] if value.get("source") == "aws.iam" else Foreign()
    elif "eventName" in value and "eventSource" in value:
        yield value
    else:
        yield Malformed("an object that is no CloudTrail record", matters=False)
