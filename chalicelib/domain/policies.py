"""The grammar of IAM's policy documents: what all who read them take for a statement.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class DocumentError(ValueError):
    """A policy document, or a statement of one, that is not of the form IAM documents."""


class Choice(NamedTuple):
    """What a statement names or, negated, names all but."""

    texts: list[str]
    negated: bool


def listed(value: object) -> list[Any]:
    """A list as it is, and anything else as a list of one: IAM takes both."""
    return value if isinstance(value, list) else [value]


def statements(document: object) -> list[Any]:
    """The statements of a document, whatever each is. Raises DocumentError if it has none."""
    if not isinstance(document, Mapping) or "Statement" not in document:
        raise DocumentError("not a policy document")
    return listed(document["Statement"])


def effect_of(statement: object) -> str:
    """`Allow` or `Deny`. Raises DocumentError for anything else."""
    found = statement.get("Effect") if isinstance(statement, Mapping) else None
    if found not in ("Allow", "Deny"):
        raise DocumentError("a statement neither allows nor denies")
    return str(found)


def choice(statement: Mapping[str, Any], element: str) -> Choice:
    """What the statement chooses by `element`, or by its `Not` form. Raises DocumentError."""
    inverse = f"Not{element}"
    negated = inverse in statement
    if (element in statement) == negated:
        raise DocumentError(f"a statement needs either {element} or {inverse}")
    texts = listed(statement[inverse if negated else element])
    if not all(isinstance(text, str) for text in texts):
        raise DocumentError(f"the {element} of a statement is not text")
    return Choice(texts, negated)
