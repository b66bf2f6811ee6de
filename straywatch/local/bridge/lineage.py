"""The trace header, in which Lambda counts how often a chain of requests has met a function.

Lambda hands the header to the function, the SDK passes it on with each call, SQS keeps it with the
message, and the next invocation finds it there: `Root=1-…;Parent=…;Sampled=0;Lineage=1a2b3c4d:7`.
"""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import unquote

MOST_ROUNDS = 16  # Lambda developer guide, "recursive loop detection": approximately
_ENTRY = re.compile(r"([0-9a-f]{8}):(\d+)")
_LINEAGE = re.compile(r"(?:^|;)Lineage=([^;]*)")


def rounds(header: str, function_arn: str) -> int:
    """Return how often the chain behind a header has met the function."""
    return _counts(header).get(_digest(function_arn), 0)


def longer(header: str, function_arn: str, new_root: str) -> str:
    """Return the header of the invocation that follows; `new_root` where no chain led to it."""
    counts = _counts(header)
    counts[_digest(function_arn)] = counts.get(_digest(function_arn), 0) + 1
    told = "|".join(f"{digest}:{count}" for digest, count in counts.items())
    kept = _LINEAGE.sub("", unquote(header)) or new_root
    return f"{kept};Lineage={told}"


def _counts(header: str) -> dict[str, int]:
    found = _LINEAGE.search(unquote(header))
    return {digest: int(count) for digest, count in _ENTRY.findall(found[1])} if found else {}


def _digest(function_arn: str) -> str:
    return sha256(function_arn.encode()).hexdigest()[:8]
