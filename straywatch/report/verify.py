"""Verifies a report: its data against its digest, and its page against its data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from straywatch import __version__
from straywatch.errors import WrongUsageError
from straywatch.report.digest import digest
from straywatch.report.html import NoDataError, data_of, render


class AlteredError(Exception):
    """The file is not what was produced; the message says where it differs."""


def verified(path: Path) -> tuple[str, str]:
    """Return the digest of an intact report, and what could not be compared (or nothing).

    Raises AlteredError, and WrongUsageError for a file that is no report.
    """
    text = _text(path)
    data = _data(text, path)
    said, is_now = str(data["digest"]["value"]), digest(data)
    if said != is_now:
        raise AlteredError(f"its data has the digest {is_now}, but it says {said}")
    if text.lstrip().startswith("{"):
        return said, ""
    if data["produced"]["by"] != f"straywatch {__version__}":
        return said, f"the page was made by {data['produced']['by']}: only its data was compared"
    if render(data) != text:
        raise AlteredError("its page does not show its data")
    return said, ""


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
