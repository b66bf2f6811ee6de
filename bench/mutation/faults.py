"""The faults: each is one small change of a function, or of a module's constant."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_NAMED = {"max": "min", "min": "max", "any": "all", "all": "any"}
_SAYING = {"log", "metrics"}
"""What these tell is for people who read logs: no test is to hold their words."""

Change = Callable[[ast.AST], ast.AST]


@dataclass(frozen=True)
class Fault:
    """A module with one fault in it: where, in which function ("" for a constant), and what."""

    line: int
    function: str
    what: str
    tree: ast.Module


def faults(source: str) -> Iterator[Fault]:
    """Every fault that a module can be given."""
    tree = ast.parse(source)
    for path, function, node in _places(tree):
        for what, change in _changes(node):
            mutant = copy.deepcopy(tree)
            _replace(mutant, path, change)
            yield Fault(
                getattr(node, "lineno", 0), function, what, ast.fix_missing_locations(mutant)
            )


Path = tuple[tuple[str, int | None], ...]


def _places(
    node: ast.AST, path: Path = (), function: str = "", *, inside: bool = False
) -> Iterator[tuple[Path, str, ast.AST]]:
    """The nodes that run in functions, with the way there; of a module the constants' values."""
    for name, index, child in _children(node):
        if _is_said(node, name, child):
            continue
        here = (*path, (name, index))
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            known = f"{function}.{child.name}" if function else child.name
            for number, statement in enumerate(child.body):
                if number == 0 and _is_text(statement):
                    continue
                below = (*here, ("body", number))
                top = function if inside else known
                yield below, top, statement
                yield from _places(statement, below, top, inside=True)
        elif isinstance(child, ast.ClassDef):
            known = f"{function}.{child.name}" if function else child.name
            for number, statement in enumerate(child.body):
                if isinstance(statement, ast.FunctionDef):
                    holder = ast.Module([statement], [])
                    inner = _places(holder, (*here,), known)
                    for way, top, found in inner:
                        yield (*here, ("body", number), *way[len(here) + 1 :]), top, found
        elif inside:
            yield here, function, child
            yield from _places(child, here, function, inside=True)
        elif isinstance(node, ast.Module) and isinstance(child, ast.Assign):
            yield (*here, ("value", None)), "", child.value
            yield from _constant(child.value, (*here, ("value", None)))


def _constant(node: ast.AST, path: Path) -> Iterator[tuple[Path, str, ast.AST]]:
    for name, index, child in _children(node):
        yield (*path, (name, index)), "", child
        yield from _constant(child, (*path, (name, index)))


def _children(node: ast.AST) -> Iterator[tuple[str, int | None, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "type_comment"):
            continue
        if isinstance(value, list):
            yield from (
                (name, n, each) for n, each in enumerate(value) if isinstance(each, ast.AST)
            )
        elif isinstance(value, ast.AST):
            yield name, None, value


def _is_said(parent: ast.AST, name: str, child: ast.AST) -> bool:
    """Whether it is only for people: a log line, an error's words, an f-string's parts."""
    if isinstance(child, ast.Expr) and isinstance(child.value, ast.Call):
        called = child.value.func
        if isinstance(called, ast.Name) and called.id in _SAYING:
            return True
    return isinstance(parent, ast.Raise) or isinstance(child, ast.JoinedStr) or name == "msg"


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """The faults of one node."""
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            other = _COMPARED[type(operator)]
            yield (
                f"{type(operator).__name__} is {other.__name__}",
                lambda n: _with(n, ops=[other()]),
            )
        case ast.BoolOp(op=operator, values=values):
            swapped = ast.Or if isinstance(operator, ast.And) else ast.And
            yield f"it is {swapped.__name__}", lambda n: _with(n, op=swapped())
            for number in range(len(values)):
                yield f"part {number} is left out", lambda n, k=number: _without(n, k)  # type: ignore[misc]
        case ast.UnaryOp(op=ast.Not()):
            yield "it is not negated", lambda n: n.operand  # type: ignore[attr-defined]
        case ast.BinOp(op=operator) if type(operator) in _COUNTED:
            counted = _COUNTED[type(operator)]
            yield f"it is {counted.__name__}", lambda n: _with(n, op=counted())
        case ast.IfExp():
            yield "always the first", lambda n: n.body  # type: ignore[attr-defined]
            yield "always the second", lambda n: n.orelse  # type: ignore[attr-defined]
        case ast.If() | ast.While():
            yield "never so", lambda n: _with(n, test=ast.Constant(False))  # noqa: FBT003
            if isinstance(node, ast.If):
                yield "always so", lambda n: _with(n, test=ast.Constant(True))  # noqa: FBT003
        case ast.comprehension(ifs=[_]):
            yield "nothing is left out", lambda n: _with(n, ifs=[])
        case ast.Constant(value=bool(value)):
            yield f"{not value}", lambda n: _with(n, value=not value)
        case ast.Constant(value=int(value)):
            yield f"{value + 1}", lambda n: _with(n, value=value + 1)
        case ast.Constant(value=float(value)):
            yield f"{value * 2}", lambda n: _with(n, value=value * 2)
        case ast.Call(func=ast.Name(id=name)) if name in _NAMED:
            yield _NAMED[name], lambda n: _with(n, func=ast.Name(_NAMED[name], ast.Load()))
        case ast.Call(keywords=keywords) if keywords and _name(node) == "replace":
            for number, keyword in enumerate(keywords):
                yield f"{keyword.arg} stays", lambda n, k=number: _unchanged(n, k)  # type: ignore[misc]
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "it is not done", lambda _: ast.Pass()
        case ast.AugAssign():
            yield "it is not done", lambda _: ast.Pass()
        case ast.Raise():
            yield "it is not raised", lambda _: ast.Pass()
        case ast.Continue():
            yield "break", lambda _: ast.Break()


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _with(node: ast.AST, **changed: object) -> ast.AST:
    for name, value in changed.items():
        setattr(node, name, value)
    return node


def _without(node: ast.AST, number: int) -> ast.AST:
    assert isinstance(node, ast.BoolOp)
    rest = [each for n, each in enumerate(node.values) if n != number]
    return rest[0] if len(rest) == 1 else _with(node, values=rest)


def _unchanged(node: ast.AST, number: int) -> ast.AST:
    assert isinstance(node, ast.Call)
    rest = [each for n, each in enumerate(node.keywords) if n != number]
    return _with(node, keywords=rest)


def _replace(tree: ast.AST, path: Path, change: Change) -> None:
    """Change the node at the end of a way."""
    parent = tree
    for name, index in path[:-1]:
        held = getattr(parent, name)
        parent = held if index is None else held[index]
    name, index = path[-1]
    if index is None:
        setattr(parent, name, change(getattr(parent, name)))
    else:
        getattr(parent, name)[index] = change(getattr(parent, name)[index])
