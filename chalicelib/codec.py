"""Frozen dataclasses as plain values, which JSON and DynamoDB hold, and back: one codec for all.

A time is text in ISO 8601, an enumeration of texts its value, any other its name, a tuple a list.
The types say how each is read: whoever adds a field to one has nothing to add here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from chalicelib.times import exact, parse_time

T = TypeVar("T")
Reader = Callable[[Any], Any]
_UNSET = (None, "", ())
_PLAIN = frozenset({str, int, bool, NoneType})


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
    if type(value) in _PLAIN:  # nearly all: what follows takes its time
        return value
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
    found: T = _record(kind, plain)
    return found


def _record(kind: Any, plain: object) -> Any:  # noqa: ANN401 - a dataclass, and one of that kind
    if not isinstance(plain, Mapping):
        raise _is_not(plain, "an object")
    read: dict[str, Any] = {}
    for name, (reader, is_optional) in _parts(kind).items():
        if name in plain:
            try:
                read[name] = reader(plain[name])
            except DecodingError as error:
                raise error.within(name) from error
        elif not is_optional:
            raise DecodingError("is missing", (name,))
    return kind(**read)


@cache
def _parts(kind: Any) -> dict[str, tuple[Reader, bool]]:  # noqa: ANN401 - a dataclass
    """What reads each field, and whether it has a default; type hints are read but once."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            _reader(hints[field.name]),
            (field.default, field.default_factory) != (MISSING,) * 2,
        )
        for field in fields(kind)
    }


def _reader(kind: Any) -> Reader:  # noqa: ANN401 - a type, or what stands for one in a hint
    if kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(kind, UnionType):
        (some,) = (_reader(part) for part in get_args(kind) if part is not NoneType)
        return lambda plain: None if plain is None else some(plain)
    if get_origin(kind) is tuple:
        one = _reader(get_args(kind)[0])
        return lambda plain: tuple(one(part) for part in _list(plain))
    return partial(_record if is_dataclass(kind) else _member, kind)


def _list(plain: object) -> list[Any]:
    if not isinstance(plain, list):
        raise _is_not(plain, "a list")
    return plain


def _member(kind: type[Enum], plain: object) -> Enum:
    members, text = _members(kind), _text(plain)
    if text not in members:
        raise DecodingError(f"is none of {', '.join(members)}")
    return members[text]


@cache
def _members(kind: type[Enum]) -> dict[str, Enum]:
    return {member.value if issubclass(kind, StrEnum) else member.name: member for member in kind}


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


_SCALARS: Mapping[Any, Reader] = {
    str: _text,
    int: _whole_number,
    bool: _yes_or_no,
    datetime: _time,
}
