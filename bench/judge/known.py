"""Where the judge from npm is known to be wrong; docs/remediation.md tells how each was found.

A difference counts as known only if its own mistake, made by us too, gives its very answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Document = Mapping[str, Any]
CUT_VARIABLE = re.compile(r"arn:[^:]*:[^:]*:[^:]*:[^:]*:[^/:]*\$\{[^/]*:")
"""Version 0.1.173 takes apart at the first `/` or `:` what follows an ARN's fifth colon, so it cuts
`${aws:username}` in two where no `/` comes before it. Such a pattern then matches nothing. It makes
an exception for S3 alone."""
_NOTHING = "arn:aws:none:::nothing"


def as_misread(documents: Iterable[Document]) -> list[Document]:
    """The documents with what it misreads put as it reads it."""
    return [
        {**document, "Statement": [_statement(each) for each in document["Statement"]]}
        for document in documents
    ]


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    changed = dict(statement)
    for element in ("Resource", "NotResource"):
        if element in changed:
            named = changed[element]
            patterns = [named] if isinstance(named, str) else named
            changed[element] = [_NOTHING if _is_cut(each) else each for each in patterns]
    return changed


def _is_cut(pattern: str) -> bool:
    return CUT_VARIABLE.match(pattern) is not None and not pattern.startswith("arn:aws:s3:::")
