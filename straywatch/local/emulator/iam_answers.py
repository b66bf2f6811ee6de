"""What the mended IAM handlers share: the emulator's types, its answers, its sense of a name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import iam

Parameters = dict[str, Any]
IamResponse = tuple[int, dict[str, str], bytes]
Handler = Callable[[Parameters], IamResponse]

PATH = re.compile(r"/|/[\x21-\x7e]*/")  # IAM API reference, Path


def same_name(store: Mapping[str, Any], name: str) -> str:
    """Return the stored spelling of a name, or "" if nobody has it."""
    if name in store:
        return name
    return next((known for known in store if known.casefold() == name.casefold()), "")


def invalid(value: str, field: str) -> IamResponse:
    """Refuse a value that IAM's patterns refuse."""
    member = field[:1].lower() + field[1:]
    return error(
        400,
        "ValidationError",
        f"The specified value for {member} is invalid. It must contain only alphanumeric "
        f"characters and/or the following: +=,.@_- and have a legal length ({escape(value[:128])})",
    )


def error(status: int, code: str, message: str) -> IamResponse:
    """Refuse in IAM's own form."""
    answer: IamResponse = iam._error(status, code, message)
    return answer


def no_such(kind: str, name: str) -> IamResponse:
    """Say that there is no user or group of this name."""
    return error(404, "NoSuchEntity", f"The {kind} with name {escape(name)} cannot be found.")


def conflict(what: str) -> IamResponse:
    """Refuse a deletion until `what` was done."""
    return error(409, "DeleteConflict", f"Cannot delete entity, must {what} first.")
