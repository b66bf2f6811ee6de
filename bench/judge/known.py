"""Where the judges are known to differ; docs/remediation.md tells how each case was found.

A difference counts as known only if npm's own reading, made ours, gives its very answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.unit.remediation.conditions import NEVER, Context, filled, like

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


def without_moot(documents: Iterable[Document], resource: str, context: Context) -> list[Document]:
    """The documents with each NotResource as npm's reads it for one request.

    Of a variable without value it takes no notice where the ARN's parts before it name another
    service or region than the request's. AWS says only that the statement may be invalid.
    """
    return [
        {
            **document,
            "Statement": [_judged(each, resource, context) for each in document["Statement"]],
        }
        for document in documents
    ]


def _judged(statement: Mapping[str, Any], resource: str, context: Context) -> Mapping[str, Any]:
    if "NotResource" not in statement:
        return statement
    kept = [
        each
        for each in statement["NotResource"]
        if NEVER not in filled(each, context, "2012-10-17") or like(_head(each), _head(resource))
    ]
    return {**statement, "NotResource": kept}


def _head(arn: str) -> str:
    return ":".join(arn.split(":")[:5])


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
