"""Conditions and policy variables as AWS's IAM User Guide words them, written apart from ours.

"IAM JSON policy elements: Condition operators", "Conditions with multiple context keys or values",
"Single-valued vs. multivalued context keys" and "Variables and tags".
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

Context = Mapping[str, str | list[str]]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_SINGLE = {"*": "*", "?": "?", "$": "$"}
NEVER = "\ue001"
"""Stands for a variable without value: no text of a request holds it."""
_ESCAPED = {"*": "\ue002", "?": "\ue003"}


@lru_cache(maxsize=100_000)
def _compiled(pattern: str) -> re.Pattern[str]:
    literal = {mark: char for char, mark in _ESCAPED.items()}
    parts = (
        ".*" if c == "*" else "." if c == "?" else re.escape(literal.get(c, c)) for c in pattern
    )
    return re.compile("".join(parts), re.DOTALL)


def like(pattern: str, text: str) -> bool:
    """IAM's wildcards, but for those that came out of a variable."""
    return _compiled(pattern).fullmatch(text) is not None


def _value(context: Context, key: str) -> str | list[str] | None:
    return next((v for name, v in context.items() if name.lower() == key.lower()), None)


def filled(text: str, context: Context, version: str) -> str:
    """A pattern with its variables replaced; what comes from the request is no wildcard."""
    if version != "2012-10-17" or "$" not in text:
        return text

    def replaced(found: re.Match[str]) -> str:
        name, _, default = found[1].partition(",")
        if name in _SINGLE:
            return _ESCAPED.get(name, name)
        value = _value(context, name.strip())
        if isinstance(value, str):
            return "".join(_ESCAPED.get(c, c) for c in value)
        return default.strip().strip("'") if default and value is None else NEVER

    return _VARIABLE.sub(replaced, text)


def _plain(pattern: str) -> str:
    for char, mark in _ESCAPED.items():
        pattern = pattern.replace(mark, char)
    return pattern


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _inside(pattern: str, value: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(pattern, strict=False)


def _arn_like(pattern: str, value: str) -> bool:
    """Each of the six parts of an ARN is matched by itself."""
    ours, theirs = pattern.split(":", 5), value.split(":", 5)
    return len(ours) == len(theirs) and all(map(like, ours, theirs))


Compare = Callable[[str, str], bool]
POSITIVE: dict[str, Compare] = {
    "StringEquals": lambda p, v: _plain(p) == v,
    "StringEqualsIgnoreCase": lambda p, v: _plain(p).lower() == v.lower(),
    "StringLike": like,
    "Bool": lambda p, v: p.lower() == v.lower(),
    "IpAddress": _inside,
    "NumericEquals": lambda p, v: float(v) == float(p),
    "NumericLessThan": lambda p, v: float(v) < float(p),
    "NumericLessThanEquals": lambda p, v: float(v) <= float(p),
    "NumericGreaterThan": lambda p, v: float(v) > float(p),
    "DateLessThan": lambda p, v: _when(v) < _when(p),
    "DateGreaterThan": lambda p, v: _when(v) > _when(p),
    "ArnLike": _arn_like,
    "ArnEquals": _arn_like,
}
NEGATED: dict[str, Compare] = {
    "StringNotEquals": POSITIVE["StringEquals"],
    "StringNotLike": like,
    "NotIpAddress": _inside,
    "ArnNotLike": _arn_like,
}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _one(operator: str, patterns: list[str], value: str) -> bool:
    """One value of the request: any pattern will do, and with a negated operator none may."""
    if operator in NEGATED:
        return not any(NEGATED[operator](p, value) for p in patterns)
    return any(POSITIVE[operator](p, value) for p in patterns)


def _met(operator: str, patterns: list[str], value: str | list[str] | None) -> bool:
    if operator == "Null":
        return (value is None) == (patterns[0].lower() == "true")
    quantifier, _, bare = operator.rpartition(":")
    if bare.endswith("IfExists"):
        if value is None:
            return True
        bare = bare.removesuffix("IfExists")
    if quantifier == "ForAllValues":
        return all(_one(bare, patterns, v) for v in _listed(value or []))
    if quantifier == "ForAnyValue":
        return any(_one(bare, patterns, v) for v in _listed(value or []))
    if value is None:
        return bare in NEGATED
    return all(_one(bare, patterns, v) for v in _listed(value))


def hold(conditions: Mapping[str, Mapping[str, Any]], context: Context, version: str) -> bool:
    """Every operator and every key of a Condition has to be met."""
    return all(
        _met(operator, [filled(str(p), context, version) for p in _listed(wanted)], found)
        for operator, keys in conditions.items()
        for key, wanted in keys.items()
        for found in [_value(context, key)]
    )
