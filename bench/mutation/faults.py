"""The faults: each is one small change of a function, or of a module's constant."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

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
Path = tuple[tuple[str, int | None], ...]
"""The way to a node: fields, and the number in those that are lists."""


@dataclass(frozen=True)
class Fault:
    """A module with one fault in it: where, in which function ("" for a constant), and what.

    `code` is the first line of what it changes, `path` the way there in the `whole` module.
    """

    line: int
    function: str
    code: str
    what: str
    whole: ast.Module
    path: Path
    change: Change

    @property
    def tree(self) -> ast.Module:
        """The module with the fault, made anew."""
        mutant = copy.deepcopy(self.whole)
        _replace(mutant, self.path, self.change)
        return ast.fix_missing_locations(mutant)

    @property
    def key(self) -> str:
        """What it goes by in the file of explanations: its line number changes too often."""
        return f"{self.function} | {self.code} | {self.what}"


def faults(source: str) -> Iterator[Fault]:
    """Every fault that a module can be given."""
    tree = ast.parse(source)
    for path, function, node in _places(tree):
        for what, change in _changes(node):
            line, code = getattr(node, "lineno", 0), ast.unparse(node).split("\n")[0]
            yield Fault(line, function, code, what, tree, path, change)


def _places(tree: ast.Module) -> Iterator[tuple[Path, str, ast.AST]]:
    """The nodes that run, with the way there and the outermost function around them."""
    for path, function, node in _outermost(tree):
        if isinstance(node, ast.FunctionDef):
            for number, statement in enumerate(node.body):
                if not _is_said(node, statement) and not _is_text(statement):
                    way = (*path, ("body", number))
                    yield way, function, statement
                    yield from _below(statement, way, function)
        else:
            yield path, function, node
            yield from _below(node, path, function)


def _outermost(
    node: ast.Module | ast.ClassDef, path: Path = (), around: str = ""
) -> Iterator[tuple[Path, str, ast.AST]]:
    """The functions that lie in no other, and the values of the module's constants."""
    for number, child in enumerate(node.body):
        here = (*path, ("body", number))
        if isinstance(child, ast.FunctionDef):
            yield here, around + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _outermost(child, here, f"{around}{child.name}.")
        elif isinstance(child, ast.Assign) and isinstance(node, ast.Module):
            yield (*here, ("value", None)), "", child.value


def _below(node: ast.AST, path: Path, function: str) -> Iterator[tuple[Path, str, ast.AST]]:
    for name, index, child in _children(node):
        if not _is_said(node, child) and not _is_text(child):
            here = (*path, (name, index))
            yield here, function, child
            yield from _below(child, here, function)


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


def _is_said(parent: ast.AST, child: ast.AST) -> bool:
    """Whether it is only for people: a log line, an error's words, an f-string's parts."""
    is_log = (
        isinstance(child, ast.Expr)
        and isinstance(child.value, ast.Call)
        and _name(child.value) in _SAYING
    )
    return is_log or isinstance(parent, ast.Raise) or isinstance(child, ast.JoinedStr)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """The faults of one node."""
    yield from _of_operators(node)
    yield from _of_branches(node)
    yield from _of_values(node)
    yield from _of_statements(node)


def _of_operators(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            other = _COMPARED[type(operator)]
            name = f"{type(operator).__name__} is {other.__name__}"
            yield name, lambda n: _with(n, ops=[other()])
        case ast.BoolOp(op=operator, values=values):
            swapped = ast.Or if isinstance(operator, ast.And) else ast.And
            yield f"it is {swapped.__name__}", lambda n: _with(n, op=swapped())
            for number in range(len(values)):
                yield f"part {number} is left out", partial(_without, number=number)
        case ast.UnaryOp(op=ast.Not()):
            yield "it is not negated", lambda n: n.operand  # type: ignore[attr-defined]
        case ast.BinOp(op=operator) if type(operator) in _COUNTED:
            counted = _COUNTED[type(operator)]
            yield f"it is {counted.__name__}", lambda n: _with(n, op=counted())
        case _:
            return


def _of_branches(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.IfExp():
            yield "always the first", lambda n: n.body  # type: ignore[attr-defined]
            yield "always the second", lambda n: n.orelse  # type: ignore[attr-defined]
        case ast.If():
            yield "never so", lambda n: _with(n, test=ast.Constant(value=False))
            yield "always so", lambda n: _with(n, test=ast.Constant(value=True))
        case ast.comprehension(ifs=[_]):
            yield "nothing is left out", lambda n: _with(n, ifs=[])
        case _:
            return


def _of_values(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Constant(value=bool(value)):
            yield f"{not value}", lambda n: _with(n, value=not value)
        case ast.Constant(value=int(value)):
            yield f"{value + 1}", lambda n: _with(n, value=value + 1)
        case ast.Constant(value=float(value)):
            yield f"{value * 2}", lambda n: _with(n, value=value * 2)
        case ast.Call(func=ast.Name(id=name)) if name in _NAMED:
            yield _NAMED[name], lambda n: _with(n, func=ast.Name(_NAMED[name], ast.Load()))
        case ast.Call(keywords=keywords) if _name(node) == "replace":
            for number, keyword in enumerate(keywords):
                yield f"{keyword.arg} stays", partial(_unchanged, number=number)
        case _:
            return


def _of_statements(node: ast.AST) -> Iterator[tuple[str, Change]]:
    match node:
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield "it is not done", lambda _: ast.Pass()
        case ast.AugAssign():
            yield "it is not done", lambda _: ast.Pass()
        case ast.Raise():
            yield "it is not raised", lambda _: ast.Pass()
        case ast.Continue():
            yield "break", lambda _: ast.Break()
        case _:
            return


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _with(node: ast.AST, **changed: object) -> ast.AST:
    for name, value in changed.items():
        setattr(node, name, value)
    return node


def _without(node: ast.AST, number: int) -> ast.AST:
    values: list[ast.AST] = node.values  # type: ignore[attr-defined]  # a BoolOp
    rest = [each for n, each in enumerate(values) if n != number]
    return rest[0] if len(rest) == 1 else _with(node, values=rest)


def _unchanged(node: ast.AST, number: int) -> ast.AST:
    keywords: list[ast.keyword] = node.keywords  # type: ignore[attr-defined]  # a Call
    return _with(node, keywords=[each for n, each in enumerate(keywords) if n != number])


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
