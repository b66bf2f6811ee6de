"""Verifies a report: its data against its digest, and its page against its data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from straywatch import __version__
from straywatch.errors import WrongUsageError
from straywatch.report.digest import digest
from straywatch.report.html import NoDataError, data_of, render
from straywatch.text import one_line


class AlteredError(Exception):
    """The file is not what was produced; the message says where it differs."""


class NotCheckedError(Exception):
    """The data agrees with its digest, but whether the page shows that data nobody can tell."""


def verified(path: Path) -> str:
    """Return the digest of an intact report.

    Raises AlteredError, NotCheckedError, and WrongUsageError for a file that is no report.
    """
    text = _text(path)
    data = _data(text, path)
    said, is_now = str(data["digest"]["value"]), digest(data)
    if said != is_now:
        raise AlteredError(f"its data has the digest {is_now}, but it says {said}")
    if text.lstrip().startswith("{"):
        return said
    made_by = one_line(data["produced"]["by"])
    if made_by != f"straywatch {__version__}":
        raise NotCheckedError(
            f"the page is not checked: {made_by} made it, and only that version can make it again;"
            f" this is {__version__}. Its data agrees with its own digest, SHA-256 {said}"
        )
    if render(data) != text:
        raise AlteredError("its page does not show its data")
    return said


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongUsageError(f"{path} is no report: it is not UTF-8 text") from error


def _data(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text) if text.lstrip().startswith("{") else data_of(text)
        _ = data["digest"]["value"], data["produced"]["by"]
    except (NoDataError, ValueError, KeyError, TypeError) as error:
        raise WrongUsageError(f"{path} is no report of straywatch's") from error
    return data
