"""DynamoDB's expressions: conditions and updates, read once and then applied to items.

Only attributes of the item itself are named by the product, no part of one. An expression that is
not understood stops the simulation: it must never pass as true, nor do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from tests.simulation.kernel import SimulationError

Value = Mapping[str, Any]
Item = Mapping[str, Value]
_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[:#]?[A-Za-z_][A-Za-z0-9_]*|\S)")
_SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
_SETS = ("SS", "NS", "BS")


class InvalidError(Exception):
    """DynamoDB refuses what is asked with a ValidationException."""


@dataclass(slots=True)
class Names:
    """What `#names` and `:values` stand for in one request, and which of them were used."""

    names: Mapping[str, str]
    values: Mapping[str, Value]
    used: set[str] = field(default_factory=set)

    def name(self, token: str) -> str:
        """The attribute that a token names."""
        if not token.startswith("#"):
            return token
        self.used.add(token)
        if token not in self.names:
            raise InvalidError(f"{token} is not defined")
        return self.names[token]

    def value(self, token: str) -> Value:
        """The value that a token stands for."""
        self.used.add(token)
        if token not in self.values:
            raise InvalidError(f"{token} is not defined")
        return self.values[token]

    def demand_all_used(self) -> None:
        """DynamoDB takes no name and no value that stands in no expression."""
        unused = {*self.names, *self.values} - self.used
        if unused:
            raise InvalidError(f"unused: {', '.join(sorted(unused))}")


def names_of(request: Mapping[str, Any]) -> Names:
    """What a request defines."""
    return Names(
        request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    )


Condition = Callable[[Item, Names], bool]
Operand = Callable[[Item, Names], Value | None]
Step = Callable[[Item, dict[str, Value], Names], str]
"""Changes the new item by what the old one holds; tells which attribute it was."""


@dataclass(frozen=True, slots=True)
class Update:
    """What an update expression comes to."""

    item: dict[str, Value]
    touched: tuple[str, ...]


def holds(text: str, item: Item, names: Names) -> bool:
    """Whether the item meets a condition."""
    return _condition(text)(item, names)


def updated(text: str, item: Item, names: Names) -> Update:
    """The item after an update: every operand is read from the item as it was."""
    new = dict(item)
    touched = tuple(step(item, new, names) for step in _update(text))
    if len(set(touched)) != len(touched):
        raise InvalidError("two document paths overlap")
    return Update(new, touched)


def listed(text: str, names: Names) -> tuple[str, ...]:
    """The attributes that a projection names."""
    return tuple(names.name(part.strip()) for part in text.split(","))


@cache
def _condition(text: str) -> Condition:
    parser = _Parser(text)
    found = parser.either()
    parser.demand_end()
    return found


@cache
def _update(text: str) -> tuple[Step, ...]:
    parser = _Parser(text)
    found = tuple(parser.sections())
    parser.demand_end()
    return found


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _TOKEN.findall(text)
        self._at = 0

    def demand_end(self) -> None:
        if self._at < len(self._tokens):
            raise self._lost()

    def _lost(self) -> SimulationError:
        return SimulationError(f"the expression {self._text!r} is not understood")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._at += 1
        return token

    def _takes(self, *wanted: str) -> str:
        """The next token, if it is one of those; else nothing, and it stays."""
        return self._next() if self._peek().upper() in wanted else ""

    def _demand(self, wanted: str) -> None:
        if self._next().upper() != wanted:
            raise self._lost()

    def _word(self) -> str:
        token = self._next()
        if not re.fullmatch(r"#?[A-Za-z_]\w*", token):
            raise self._lost()
        return token

    def either(self) -> Condition:
        """Conditions of which one has to hold."""
        found = [self._both()]
        while self._takes("OR"):
            found.append(self._both())
        return found[0] if len(found) == 1 else lambda i, n: _any(c(i, n) for c in found)

    def _both(self) -> Condition:
        found = [self._term()]
        while self._takes("AND"):
            found.append(self._term())
        return found[0] if len(found) == 1 else lambda i, n: _all(c(i, n) for c in found)

    def _term(self) -> Condition:
        if self._takes("NOT"):
            inner = self._term()
            return lambda i, n: not inner(i, n)
        if self._takes("("):
            inside = self.either()
            self._demand(")")
            return inside
        if self._peek().lower() in _PREDICATES and self._tokens[self._at + 1 :][:1] == ["("]:
            return self._predicate()
        return self._comparison()

    def _predicate(self) -> Condition:
        test = _PREDICATES[self._next().lower()]
        self._demand("(")
        arguments = [self._operand()]
        while self._takes(","):
            arguments.append(self._operand())
        self._demand(")")
        return lambda i, n: bool(test(*[argument(i, n) for argument in arguments]))

    def _comparison(self) -> Condition:
        left = self._operand()
        if self._takes("BETWEEN"):
            low = self._operand()
            self._demand("AND")
            high = self._operand()
            return lambda i, n: (
                _compared(">=", left(i, n), low(i, n)) & _compared("<=", left(i, n), high(i, n))
            )
        if self._takes("IN"):
            self._demand("(")
            among = [self._operand()]
            while self._takes(","):
                among.append(self._operand())
            self._demand(")")
            return lambda i, n: _any(_compared("=", left(i, n), one(i, n)) for one in among)
        operator = self._next()
        if operator not in _COMPARE:
            raise self._lost()
        right = self._operand()
        return lambda i, n: _compared(operator, left(i, n), right(i, n))

    def _operand(self) -> Operand:
        if self._peek().startswith(":"):
            token = self._next()
            return lambda _, n: n.value(token)
        word = self._word()
        if self._peek() != "(":
            return lambda i, n: i.get(n.name(word))
        if word != "size":
            raise self._lost()
        self._demand("(")
        inner = self._operand()
        self._demand(")")
        return lambda i, n: _size(inner(i, n))

    def sections(self) -> Iterator[Step]:
        """The changes of an update, section by section, each of which comes once."""
        left = list(_SECTIONS)
        while section := self._takes(*left):
            left.remove(section.upper())
            yield self._step(section.upper())
            while self._takes(","):
                yield self._step(section.upper())

    def _step(self, section: str) -> Step:
        word = self._word()
        if section == "REMOVE":
            return lambda _, new, n: _removed(new, n.name(word))
        if section == "SET":
            self._demand("=")
            value = self._sum()
            return lambda old, new, n: _put(new, n.name(word), value(old, n))
        given = self._operand()
        change = _added if section == "ADD" else _subtracted
        return lambda old, new, n: change(old, new, n.name(word), _there(given(old, n)))

    def _sum(self) -> Operand:
        left = self._settable()
        sign = self._takes("+", "-")
        if not sign:
            return left
        right = self._settable()
        return lambda i, n: _calculated(sign, left(i, n), right(i, n))

    def _settable(self) -> Operand:
        if self._tokens[self._at + 1 :][:1] != ["("]:
            return self._operand()
        function = self._next()
        self._demand("(")
        first = self._settable()
        self._demand(",")
        second = self._settable()
        self._demand(")")
        if function == "if_not_exists":
            return lambda i, n: _first_known(first(i, n), second(i, n))
        if function == "list_append":
            return lambda i, n: _joined(first(i, n), second(i, n))
        raise self._lost()


def _any(found: Iterator[bool]) -> bool:
    """Every part is looked at, so that every name in it counts as used."""
    return True in list(found)


def _all(found: Iterator[bool]) -> bool:
    return False not in list(found)


def _first_known(held: Value | None, otherwise: Value | None) -> Value | None:
    return otherwise if held is None else held


def _there(value: Value | None) -> Value:
    if value is None:
        raise InvalidError("an operand refers to an attribute that does not exist")
    return value


def _put(new: dict[str, Value], name: str, value: Value | None) -> str:
    new[name] = _there(value)
    return name


def _removed(new: dict[str, Value], name: str) -> str:
    new.pop(name, None)
    return name


def _added(old: Item, new: dict[str, Value], name: str, given: Value) -> str:
    """ADD to a number, which begins at 0, or to a set, which begins empty."""
    ((kind, value),) = given.items()
    held = old.get(name, {kind: "0" if kind == "N" else []})
    if kind not in ("N", *_SETS) or kind not in held:
        raise InvalidError("incorrect operand type for ADD")
    if kind == "N":
        return _put(new, name, _calculated("+", held, given))
    return _put(new, name, {kind: sorted({*held[kind], *value})})


def _subtracted(old: Item, new: dict[str, Value], name: str, given: Value) -> str:
    """DELETE from a set; an empty one is no attribute any more."""
    ((kind, value),) = given.items()
    held = old.get(name)
    if kind not in _SETS or (held is not None and kind not in held):
        raise InvalidError("incorrect operand type for DELETE")
    rest = sorted({*(held or {}).get(kind, [])} - {*value})
    return _put(new, name, {kind: rest}) if rest else _removed(new, name)


def _calculated(sign: str, left: Value | None, right: Value | None) -> Value:
    one, other = _there(left), _there(right)
    if "N" not in one or "N" not in other:
        raise InvalidError("incorrect operand type for arithmetic")
    amount = Decimal(other["N"])
    return {"N": f"{(Decimal(one['N']) + (amount if sign == '+' else -amount)).normalize():f}"}


def _joined(left: Value | None, right: Value | None) -> Value:
    one, other = _there(left), _there(right)
    if "L" not in one or "L" not in other:
        raise InvalidError("incorrect operand type for list_append")
    return {"L": [*one["L"], *other["L"]]}


def _size(value: Value | None) -> Value | None:
    if value is None:
        return None
    ((kind, held),) = value.items()
    if kind in ("N", "BOOL", "NULL"):
        raise InvalidError("incorrect operand type for size")
    return {"N": str(len(held.encode() if kind == "S" else held))}


def _begins(held: Value | None, beginning: Value | None) -> bool:
    start = _there(beginning)
    if "S" not in start:
        raise InvalidError("incorrect operand type for begins_with")
    return held is not None and "S" in held and held["S"].startswith(start["S"])


def _contains(held: Value | None, sought: Value | None) -> bool:
    if held is None:
        return False
    ((kind, there),) = held.items()
    ((sought_kind, value),) = _there(sought).items()
    if kind == "L":
        return {sought_kind: value} in there
    return kind in (sought_kind, f"{sought_kind}S") and value in there


def _is_of_type(held: Value | None, kind: Value | None) -> bool:
    return held is not None and _there(kind)["S"] in held


_PREDICATES: Mapping[str, Callable[..., bool]] = {
    "attribute_exists": lambda held: held is not None,
    "attribute_not_exists": lambda held: held is None,
    "attribute_type": _is_of_type,
    "begins_with": _begins,
    "contains": _contains,
}
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<>": lambda a, b: bool(a != b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
}


def _compared(operator: str, left: Value | None, right: Value | None) -> bool:
    """Values of two types are unequal and in no order; what is not there is unequal to all."""
    if left is None or right is None:
        return operator == "<>" and left is not right
    ((kind, one),) = left.items()
    ((other_kind, other),) = right.items()
    if kind != other_kind:
        return operator == "<>"
    if kind in _SETS:
        one, other = sorted(one), sorted(other)
    if operator not in ("=", "<>") and kind not in ("S", "N", "B"):
        raise InvalidError(f"incorrect operand type for {operator}")
    return (
        _COMPARE[operator](_number(one), _number(other))
        if kind == "N"
        else _COMPARE[operator](one, other)
    )


def _number(text: str) -> Decimal | int:
    return int(text) if text.isdecimal() else Decimal(text)
