"""DynamoDB as far as the product uses it: keys, conditions, a lagging index, expiry.

What is not understood, an operation, an expression or a parameter, stops the simulation.
`tests/simulation/test_dynamodb.py` puts the same requests to moto.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.clients import (
    Call,
    ConditionalCheckFailedException,
    TransactionCanceledException,
    refusal,
)
from tests.simulation.draws import Draws
from tests.simulation.expressions import (
    InvalidError,
    Item,
    Names,
    Update,
    holds,
    listed,
    names_of,
    updated,
)
from tests.simulation.kernel import SECOND, Kernel, SimulationError, instant

Key = tuple[str, str]
Answer = dict[str, Any]
_INDEX_LAG = 2 * SECOND
_INDEXES = frozenset({"live", "crowd"})
"""Each named after its key."""
_LATEST = 1 << 60
_EPOCH = int(instant(0).timestamp())
_MOST_READ, _MOST_WRITTEN, _MOST_IN_TRANSACTION = 100, 25, 100
_COMMON = {"TableName", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics"}
_CONDITIONAL = {
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValuesOnConditionCheckFailure",
}
_KNOWN = {
    "put_item": _COMMON | _CONDITIONAL | {"Item", "ReturnValues"},
    "update_item": _COMMON | _CONDITIONAL | {"Key", "UpdateExpression", "ReturnValues"},
    "delete_item": _COMMON | _CONDITIONAL | {"Key", "ReturnValues"},
    "get_item": _COMMON
    | {"Key", "ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"},
    "query": _COMMON
    | {
        "IndexName", "KeyConditionExpression", "FilterExpression", "ProjectionExpression",
        "ExpressionAttributeNames", "ExpressionAttributeValues", "ScanIndexForward", "Limit",
        "ConsistentRead", "ExclusiveStartKey",
    },
    "batch_get_item": {"RequestItems", "ReturnConsumedCapacity"},
    "batch_write_item": {
        "RequestItems", "ReturnConsumedCapacity", "ReturnItemCollectionMetrics",
    },
    "transact_write_items": {
        "TransactItems", "ClientRequestToken", "ReturnConsumedCapacity",
        "ReturnItemCollectionMetrics",
    },
}  # fmt: skip


@dataclass(slots=True)
class Table:
    """Every version of every item, so that an old one can be shown; keys in order."""

    versions: dict[Key, list[tuple[int, Item | None]]] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    """The sort keys under each partition key."""
    indexed: dict[tuple[str, str], set[Key]] = field(default_factory=dict)
    """Every item that ever stood in an index, by its name and what the item stood under."""
    expiring: list[tuple[int, Key]] = field(default_factory=list)

    def get(self, key: Key, at: int = _LATEST) -> Item | None:
        """The item as it was at that moment."""
        versions = self.versions.get(key)
        if not versions:
            return None
        if versions[-1][0] <= at:
            return versions[-1][1]
        position = bisect_right(versions, at, key=lambda version: version[0])
        return versions[position - 1][1] if position else None

    def put(self, key: Key, item: Item | None, now: int) -> None:
        """A new version; None where the item is deleted."""
        if key not in self.versions:
            self.versions[key] = []
            insort(self.keys.setdefault(key[0], []), key[1])
        self.versions[key].append((now, item))
        for index in _INDEXES & (item or {}).keys():
            self.indexed.setdefault((index, (item or {})[index]["S"]), set()).add(key)
        if item and "expires_at" in item:
            heapq.heappush(self.expiring, (_expiry(item), key))

    def expire(self, until: int, now: int) -> None:
        """Delete what was over by `until`."""
        while self.expiring and self.expiring[0][0] <= until:
            _, key = heapq.heappop(self.expiring)
            item = self.get(key)
            if item and "expires_at" in item and _expiry(item) <= until:
                self.put(key, None, now)


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
        self._transactions: dict[str, object] = {}
        self._do: Mapping[str, Callable[[Mapping[str, Any], Call], Answer]] = {
            "put_item": self._write,
            "update_item": self._write,
            "delete_item": self._write,
            "get_item": self._get,
            "query": self._query,
            "batch_get_item": self._batch_get,
            "batch_write_item": self._batch_write,
            "transact_write_items": self._transact,
        }

    def answer(self, operation: str, request: Mapping[str, Any], call: Call) -> Mapping[str, Any]:
        """Do what the operation does, at once or not at all."""
        if operation not in self._do:
            raise SimulationError(f"DynamoDB's {operation} is not simulated")
        unknown = request.keys() - _KNOWN[operation]
        if unknown:
            raise SimulationError(f"{operation}'s {', '.join(sorted(unknown))} is not simulated")
        try:
            return self._do[operation](request, call)
        except InvalidError as error:
            raise refusal("ValidationException", operation, message=str(error)) from error

    def _table(self, name: str) -> Table:
        table = self.tables.setdefault(name, Table())
        table.expire(self._kernel.now - self._expiry_lag, self._kernel.now)
        return table

    def _view(self, request: Mapping[str, Any], call: Call) -> int:
        """The moment that a read shows."""
        lag = 0 if request.get("ConsistentRead") else call.luck.between(0, _INDEX_LAG)
        return self._kernel.now - lag

    def _get(self, request: Mapping[str, Any], call: Call) -> Answer:
        names = names_of(request)
        item = self._table(request["TableName"]).get(
            _key(request["Key"], only=True), self._view(request, call)
        )
        shown = _projected(request, item, names)
        names.demand_all_used()
        return {"Item": shown} if item is not None else {}

    def _write(self, request: Mapping[str, Any], call: Call) -> Answer:
        """Put, update or delete one item, told apart by what the request holds."""
        operation = _operation(request)
        write = self._prepared(request)
        if not write.allowed:
            raise _condition_failed(request, operation, write.old)
        self._carry_out(write, call)
        return _returned(request, write)

    def _prepared(self, request: Mapping[str, Any]) -> _Write:
        """What the write comes to, with nothing done yet."""
        names = names_of(request)
        key = _key(request["Item"]) if "Item" in request else _key(request["Key"], only=True)
        old = self._table(request["TableName"]).get(key)
        condition = request.get("ConditionExpression")
        allowed = condition is None or holds(condition, old or {}, names)
        if not allowed:
            return _Write(request["TableName"], key, old, old, (), allowed)
        new, touched = _outcome(request, key, old, names)
        names.demand_all_used()
        return _Write(request["TableName"], key, old, new, touched, allowed)

    def _carry_out(self, write: _Write, call: Call) -> None:
        if write.new is None and write.old is None:
            return
        self._table(write.table).put(write.key, write.new, self._kernel.now)
        if write.new is not None:
            self._on_put(write.table, write.new, call)

    def _query(self, request: Mapping[str, Any], call: Call) -> Answer:
        table, view, names = (
            self._table(request["TableName"]),
            self._view(request, call),
            names_of(request),
        )
        if "IndexName" in request and request.get("ConsistentRead"):
            raise InvalidError("consistent reads are not supported on global secondary indexes")
        found = list(_matching(table, request, view, names))
        if not request.get("ScanIndexForward", True):
            found.reverse()
        found = _after(found, request.get("ExclusiveStartKey"))
        size = request.get("Limit", len(found) if call.luck.chance(0.7) else 1 + len(found) // 2)
        page = found[: max(size, 1)]
        rule = request.get("FilterExpression")
        kept = [item for item in page if rule is None or holds(rule, item, names)]
        answer: Answer = {
            "Items": [_projected(request, item, names) for item in kept],
            "Count": len(kept),
            "ScannedCount": len(page),
        }
        if found:
            names.demand_all_used()
        if len(page) < len(found) or ("Limit" in request and len(page) == size):
            last = page[-1]
            keys = ("pk", "sk", request["IndexName"]) if "IndexName" in request else ("pk", "sk")
            answer["LastEvaluatedKey"] = {key: last[key] for key in keys}
        return answer

    def _batch_get(self, request: Mapping[str, Any], call: Call) -> Answer:
        """Up to 100 items; now and then some are left for the caller to ask for again."""
        wanted = [
            (name, asked, key)
            for name, asked in request["RequestItems"].items()
            for key in asked["Keys"]
        ]
        _demand_one_each([(name, _key(key, only=True)) for name, _, key in wanted], _MOST_READ)
        done = _part(wanted, call.luck)
        answer: Answer = {"Responses": {name: [] for name in request["RequestItems"]}}
        for name, asked, key in wanted[:done]:
            item = self._table(name).get(_key(key), self._view(asked, call))
            if item is not None:
                names = Names(asked.get("ExpressionAttributeNames", {}), {})
                answer["Responses"][name].append(_projected(asked, item, names))
        left: dict[str, Any] = {}
        for name, asked, key in wanted[done:]:
            left.setdefault(name, {**asked, "Keys": []})["Keys"].append(key)
        return answer | {"UnprocessedKeys": left}

    def _batch_write(self, request: Mapping[str, Any], call: Call) -> Answer:
        """Up to 25 puts and deletions, each on its own; now and then some are left."""
        wanted = [
            (name, asked, *_unpacked(asked))
            for name, writes in request["RequestItems"].items()
            for asked in writes
        ]
        keys = [
            (name, _key(body["Item"]) if kind == "PutRequest" else _key(body["Key"], only=True))
            for name, _, kind, body in wanted
        ]
        _demand_one_each(keys, _MOST_WRITTEN)
        done = _part(wanted, call.luck)
        for name, _, _, body in wanted[:done]:
            self._carry_out(self._prepared({"TableName": name, **body}), call)
        left: dict[str, list[Any]] = {}
        for name, asked, _, _ in wanted[done:]:
            left.setdefault(name, []).append(asked)
        return {"UnprocessedItems": left}

    def _transact(self, request: Mapping[str, Any], call: Call) -> Answer:
        """All of it or nothing. A token makes the repeat of a transaction nothing more."""
        token = request.get("ClientRequestToken")
        if token and token in self._transactions:
            if self._transactions[token] != request["TransactItems"]:
                raise refusal("IdempotentParameterMismatchException", "transact_write_items")
            return {}
        asked = [_unpacked(entry) for entry in request["TransactItems"]]
        writes = [self._prepared(body) for _, body in asked]
        _demand_one_each([(write.table, write.key) for write in writes], _MOST_IN_TRANSACTION)
        if not all(write.allowed for write in writes):
            raise _cancelled(
                [(body, write) for (_, body), write in zip(asked, writes, strict=True)]
            )
        for (kind, _), write in zip(asked, writes, strict=True):
            if kind != "ConditionCheck":
                self._carry_out(write, call)
        if token:
            self._transactions[token] = request["TransactItems"]
        return {}


@dataclass(frozen=True, slots=True)
class _Write:
    """One write, ready to be carried out if its condition allows."""

    table: str
    key: Key
    old: Item | None
    new: Item | None
    touched: tuple[str, ...]
    allowed: bool


def _operation(request: Mapping[str, Any]) -> str:
    if "Item" in request:
        return "put_item"
    return "update_item" if "UpdateExpression" in request else "delete_item"


def _outcome(
    request: Mapping[str, Any], key: Key, old: Item | None, names: Names
) -> tuple[Item | None, tuple[str, ...]]:
    """The item after the write, None where there is none, and what an update touched."""
    if "Item" in request:
        return dict(request["Item"]), ()
    if "UpdateExpression" not in request:
        return None, ()
    before = old or {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
    change: Update = updated(request["UpdateExpression"], before, names)
    if {"pk", "sk"} & set(change.touched):
        raise InvalidError("cannot update an attribute that is part of the key")
    return change.item, change.touched


def _returned(request: Mapping[str, Any], write: _Write) -> Answer:
    """What the request asks to be told of the item before or after."""
    wanted = request.get("ReturnValues", "NONE")
    allowed: tuple[str, ...] = ("NONE", "ALL_OLD")
    if "UpdateExpression" in request:
        allowed += ("ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")
    if wanted not in allowed:
        raise InvalidError("return values set to an invalid value")
    item = write.new if wanted.endswith("NEW") else write.old
    if wanted == "NONE" or item is None:
        return {}
    if wanted.startswith("UPDATED"):
        item = {name: item[name] for name in write.touched if name in item}
    return {"Attributes": dict(item)} if item else {}


def _matching(table: Table, request: Mapping[str, Any], view: int, names: Names) -> Iterator[Item]:
    """The items that a key condition asks for, in order."""
    condition = request["KeyConditionExpression"]
    for key in _candidates(table, request, names):
        item = table.get(key, view)
        if item is not None and holds(condition, item, names):
            yield item


def _candidates(table: Table, request: Mapping[str, Any], names: Names) -> Iterable[Key]:
    """A key condition says which partition it is about, always by equality."""
    index = request.get("IndexName", "pk")
    first, _, rest = request["KeyConditionExpression"].partition("=")
    if names.name(first.strip()) != index:
        raise SimulationError(f"a query of {request['KeyConditionExpression']!r} is not understood")
    value: str = names.value(rest.split()[0])["S"]
    if index in _INDEXES:
        return sorted(table.indexed.get((index, value), ()))
    return [(value, sort) for sort in table.keys.get(value, ())]


def _after(found: list[Item], start: Item | None) -> list[Item]:
    """What follows the item at which the last page ended, whether it still is there or not."""
    if start is None or not found:
        return found
    keys = [_key(item) for item in found]
    if keys == sorted(keys):
        return found[bisect_right(keys, _key(start)) :]
    return found[bisect_left([_Reversed(key) for key in keys], _Reversed(_key(start))) :][
        int(_key(start) in keys) :
    ]


@dataclass(frozen=True, slots=True)
class _Reversed:
    """A key in an order that runs backwards."""

    key: Key

    def __lt__(self, other: _Reversed) -> bool:
        return other.key < self.key


def _projected(request: Mapping[str, Any], item: Item | None, names: Names) -> Item:
    wanted = request.get("ProjectionExpression")
    if wanted is None:
        return dict(item or {})
    attributes = listed(wanted, names)
    return {name: item[name] for name in attributes if item and name in item}


def _unpacked(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The one thing that an entry of a batch or of a transaction holds."""
    ((kind, body),) = entry.items()
    return kind, body


def _part(wanted: list[Any], luck: Draws) -> int:
    """How many of a batch get done: mostly all."""
    return len(wanted) if len(wanted) < 2 or luck.chance(0.9) else luck.between(1, len(wanted))


def _demand_one_each(keys: list[Any], most: int) -> None:
    if len(set(keys)) != len(keys):
        raise InvalidError("one request cannot hold several operations on one item")
    if not 1 <= len(keys) <= most:
        raise InvalidError(f"{len(keys)} items are too many or too few")


def _condition_failed(request: Mapping[str, Any], operation: str, old: Item | None) -> Exception:
    error = refusal("ConditionalCheckFailedException", operation, ConditionalCheckFailedException)
    if request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and old:
        error.response["Item"] = dict(old)  # type: ignore[typeddict-unknown-key]  # as boto3 has it
    return error


def _cancelled(writes: list[tuple[Mapping[str, Any], _Write]]) -> Exception:
    error = refusal(
        "TransactionCanceledException", "transact_write_items", TransactionCanceledException
    )
    reasons: list[dict[str, Any]] = []
    for body, write in writes:
        reason: dict[str, Any] = {"Code": "None" if write.allowed else "ConditionalCheckFailed"}
        wanted = body.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        if wanted and not write.allowed and write.old:
            reason["Item"] = dict(write.old)
        reasons.append(reason)
    error.response |= {"CancellationReasons": reasons}  # type: ignore[typeddict-item]  # as boto3 has it
    return error


def _expiry(item: Item) -> int:
    return int((float(item["expires_at"]["N"]) - _EPOCH) * SECOND)


def _key(item: Item, *, only: bool = False) -> Key:
    """The key of an item; a request that names a key names nothing else in it."""
    try:
        if only and item.keys() != {"pk", "sk"}:
            raise InvalidError("the provided key element does not match the schema")
        return item["pk"]["S"], item["sk"]["S"]
    except KeyError:
        raise InvalidError("a key is missing, or of another type") from None
