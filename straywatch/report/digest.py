"""The digest of a report: SHA-256 over its canonical JSON, which anybody can recompute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

OVER = "the JSON of all but `digest`: keys sorted, no spaces, ASCII, as UTF-8"


def canonical(data: Mapping[str, Any]) -> bytes:
    """The bytes that the digest is taken over: `digest` itself is left out."""
    rest = {key: value for key, value in data.items() if key != "digest"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(data: Mapping[str, Any]) -> str:
    """The SHA-256 of the report's data, in hexadecimal."""
    return hashlib.sha256(canonical(data)).hexdigest()


def sealed(data: Mapping[str, Any]) -> dict[str, Any]:
    """The report with its digest, and its keys in the order in which a file gives them back."""
    seal = {"algorithm": "SHA-256", "over": OVER, "value": digest(data)}
    ordered: dict[str, Any] = json.loads(json.dumps({**data, "digest": seal}, sort_keys=True))
    return ordered
