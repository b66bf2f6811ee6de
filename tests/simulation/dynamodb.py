"""DynamoDB as far as the product uses it: keys, conditions, a lagging index, expiry.

An expression that is not understood stops the simulation: it must never pass as true.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.clients import Call, ConditionalCheckFailedException, refusal
from tests.simulation.kernel import SECOND, Kernel, SimulationError, instant

Item = Mapping[str, Any]
Key = tuple[str, str]
_INDEX_LAG = 2 * SECOND
_LATEST = 1 << 60
_FIRST = {"position": {"N": "0"}}
_TERMS = re.compile(r"\s+AND\s+")
_CALL = re.compile(r"(attribute_exists|attribute_not_exists|begins_with)\((\S+?)(?:,\s*(\S+))?\)")
_COMPARISON = re.compile(r"(\S+)\s*(=|<>|<=|>=|<|>)\s*(\S+)")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


@dataclass(slots=True)
class Table:
    """Every version of every item, so that an old one can be shown."""

    versions: dict[Key, list[tuple[int, Item | None]]] = field(default_factory=dict)

    def get(self, key: Key, at: int = _LATEST) -> Item | None:
        """The item as it was at that moment."""
        versions = self.versions.get(key, [])
        position = bisect_right(versions, at, key=lambda version: version[0])
        return versions[position - 1][1] if position else None

    def put(self, key: Key, item: Item | None, now: int) -> None:
        """A new version; None where the item is deleted."""
        self.versions.setdefault(key, []).append((now, item))


class SimulatedDynamoDB:
    """Tables with keys `pk` and `sk`, and one index each on `live` and `pk`."""

    def __init__(
        self,
        kernel: Kernel,
        expiry_lag: int,
        on_put: Callable[[str, Item, Call], None] = lambda *_: None,
    ) -> None:
        self._kernel = kernel
        self._expiry_lag = expiry_lag
        self._on_put = on_put
        self.tables: dict[str, Table] = {}

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Do what the operation does, at once or not at all."""
        table = self.tables.setdefault(request["TableName"], Table())
        self._expire(table)
        match operation:
            case "put_item":
                return self._put(table, request, call)
            case "get_item":
                at = self._view(call, consistent=request.get("ConsistentRead", False))
                item = table.get(_key(request["Key"]), at)
                return {"Item": item} if item else {}
            case "delete_item":
                key = _key(request["Key"])
                _demand(request, table.get(key), operation)
                table.put(key, None, self._kernel.now)
                return {}
            case "query":
                return self._query(table, request, call)
            case _:
                raise SimulationError(f"DynamoDB's {operation} is not simulated")

    def _view(self, call: Call, *, consistent: bool) -> int:
        return self._kernel.now - (0 if consistent else call.luck.between(0, _INDEX_LAG))

    def _put(self, table: Table, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        item = request["Item"]
        _demand(request, table.get(_key(item)), "put_item")
        table.put(_key(item), item, self._kernel.now)
        self._on_put(request["TableName"], item, call)
        return {}

    def _query(self, table: Table, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        view = self._view(call, consistent=request.get("ConsistentRead", False))
        found = [item for key in sorted(table.versions) if (item := table.get(key, view))]
        found = [item for item in found if _holds(request, "KeyConditionExpression", item)]
        if not request.get("ScanIndexForward", True):
            found.reverse()
        start = int(request.get("ExclusiveStartKey", _FIRST)["position"]["N"])
        size = request.get("Limit", len(found) if call.luck.chance(0.5) else 1) or 1
        page = found[start : start + size]
        answer: dict[str, Any] = {"Items": page, "Count": len(page)}
        if start + size < len(found):
            answer["LastEvaluatedKey"] = {"position": {"N": str(start + size)}}
        return answer

    def _expire(self, table: Table) -> None:
        """DynamoDB deletes what is over some time later, within days."""
        oldest = self._kernel.now - self._expiry_lag
        for key in list(table.versions):
            item = table.get(key)
            if item and "expires_at" in item and _expiry(item) <= oldest:
                table.put(key, None, self._kernel.now)


def _expiry(item: Item) -> int:
    seconds = float(item["expires_at"]["N"])
    return int(seconds * SECOND) - int(instant(0).timestamp() * SECOND)


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _demand(request: Mapping[str, Any], item: Item | None, operation: str) -> None:
    if "ConditionExpression" in request and not _holds(request, "ConditionExpression", item or {}):
        code = "ConditionalCheckFailedException"
        raise refusal(code, operation, ConditionalCheckFailedException)


def _holds(request: Mapping[str, Any], which: str, item: Item) -> bool:
    return all(_term(term.strip(), request, item) for term in _TERMS.split(request[which]))


def _term(term: str, request: Mapping[str, Any], item: Item) -> bool:
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    if call := _CALL.fullmatch(term):
        function, name, value = call.groups()
        held = item.get(names.get(name, name))
        if function == "begins_with":
            return held is not None and str(_plain(held)).startswith(str(_plain(values[value])))
        return (held is not None) == (function == "attribute_exists")
    if comparison := _COMPARISON.fullmatch(term):
        name, operator, value = comparison.groups()
        held = item.get(names.get(name, name))
        return held is not None and _COMPARE[operator](_plain(held), _plain(values[value]))
    raise SimulationError(f"the expression {term!r} is not understood")


def _plain(value: Mapping[str, Any]) -> Any:
    ((kind, held),) = value.items()
    return float(held) if kind == "N" else held
