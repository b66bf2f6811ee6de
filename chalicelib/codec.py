"""Frozen dataclasses as plain values, which JSON and DynamoDB hold, and back: one codec for all.

A time is text in ISO 8601, an enumeration of texts its value, any other its name, a tuple a list.
The types say how each is read: whoever adds a field to one has nothing to add here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from chalicelib.times import exact, parse_time

T = TypeVar("T")
_Read = Callable[[Any], Any]
_UNSET = (None, "", ())


class DecodingError(ValueError):
    """A plain value that is none of the type asked for. The message says where, and why."""

    def __init__(self, why: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'.'.join(path) or 'it'} {why}")
        self.why = why
        self.path = path

    def within(self, name: str) -> DecodingError:
        """The same error, seen from the value that has the faulty one as its field `name`."""
        return DecodingError(self.why, (name, *self.path))


def encode(value: object, *, whole: bool = False, time: Callable[[datetime], str] = exact) -> Any:  # noqa: ANN401 - what it returns is as varied as JSON
    """Turn a dataclass and all within it into plain values; `time` writes its instants.

    Fields that are None, "" or () are left out, unless the `whole` of it is asked for.
    """
    if isinstance(value, datetime):
        return time(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return [encode(part, whole=whole, time=time) for part in value]
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        kept = ((name, part) for name, part in named if whole or part not in _UNSET)
        return {name: encode(part, whole=whole, time=time) for name, part in kept}
    return value


def decode(kind: type[T], plain: object) -> T:
    """Read what `encode` wrote of a dataclass. Raises DecodingError, and nothing else.

    A field that was left out gets its default; what the type has no field for is passed over.
    """
    reader: Callable[[object], T] = _reader(kind)  # type: ignore[arg-type] # a class is hashable
    return reader(plain)


@cache
def _reader(kind: Any) -> _Read:  # noqa: ANN401 - a type, or what stands for one in a hint
    """How a value of this type is read; made once, since reading type hints takes its time."""
    if isinstance(kind, UnionType):
        (some,) = (_reader(part) for part in get_args(kind) if part is not NoneType)
        return lambda plain: None if plain is None else some(plain)
    if get_origin(kind) is tuple:
        part, _ = get_args(kind)
        return _list_reader(_reader(part))
    if is_dataclass(kind):
        return _record_reader(kind)
    if issubclass(kind, StrEnum):
        return _choice_reader({member.value: member for member in kind})
    if issubclass(kind, Enum):
        return _choice_reader(dict(kind.__members__))
    return _SCALARS[kind]


def _record_reader(kind: Any) -> _Read:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in fields(kind)}
    optional = {field.name for field in fields(kind) if _has_default(field)}

    def read(plain: object) -> Any:  # noqa: ANN401 - of that dataclass
        if not isinstance(plain, Mapping):
            raise _is_not(plain, "an object")
        wanted = [name for name in readers if name in plain or name not in optional]
        return kind(**{name: _field(plain, name, readers[name]) for name in wanted})

    return read


def _has_default(field: Field[Any]) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _field(plain: Mapping[str, object], name: str, read: _Read) -> Any:  # noqa: ANN401 - whatever it reads
    if name not in plain:
        raise DecodingError("is missing", (name,))
    try:
        return read(plain[name])
    except DecodingError as error:
        raise error.within(name) from error


def _list_reader(part: _Read) -> _Read:
    def read(plain: object) -> tuple[Any, ...]:
        if not isinstance(plain, list):
            raise _is_not(plain, "a list")
        return tuple(map(part, plain))

    return read


def _choice_reader(choices: Mapping[str, Enum]) -> _Read:
    def read(plain: object) -> Enum:
        try:
            return choices[_text(plain)]
        except KeyError:
            raise DecodingError(f"is none of {', '.join(choices)}") from None

    return read


def _text(plain: object) -> str:
    if not isinstance(plain, str):
        raise _is_not(plain, "text")
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise DecodingError("is not text that UTF-8 can write") from None
    return plain


def _time(plain: object) -> datetime:
    try:
        return parse_time(_text(plain))
    except DecodingError:
        raise
    except (ValueError, OverflowError):
        raise DecodingError("is not a time with its zone") from None


def _whole_number(plain: object) -> int:
    if isinstance(plain, Decimal) and plain.is_finite() and plain == plain.to_integral_value():
        return int(plain)  # DynamoDB's numbers
    if isinstance(plain, bool) or not isinstance(plain, int):
        raise _is_not(plain, "a whole number")
    return plain


def _yes_or_no(plain: object) -> bool:
    if not isinstance(plain, bool):
        raise _is_not(plain, "true or false")
    return plain


def _is_not(plain: object, wanted: str) -> DecodingError:
    """Name the type alone: the value is somebody else's, and may be of any size."""
    return DecodingError(f"is {type(plain).__name__}, not {wanted}")


_SCALARS: Mapping[Any, _Read] = {
    str: _text,
    int: _whole_number,
    bool: _yes_or_no,
    datetime: _time,
}
