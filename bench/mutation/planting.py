"""Plants a fault in the running code: a function gets other code, whoever holds the function."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cached_property
from types import CodeType, FunctionType, ModuleType

from bench.mutation.faults import Fault


class NotPlantedError(Exception):
    """The fault has no place in the running code."""


def plant(module: ModuleType, fault: Fault) -> None:
    """Put a fault into a module that is imported. Raises NotPlantedError."""
    _forget_answers()
    compiled = compile(fault.tree, module.__file__ or "?", "exec", dont_inherit=True)
    if not fault.function:
        _reassign(module, fault)
        return
    functions = list(_live(module, fault.function))
    if not functions:
        raise NotPlantedError(fault.function)
    for function in functions:
        code = _find(compiled, function.__code__)
        function.__code__ = code


def _forget_answers() -> None:
    """Empty the caches of our functions: they hold what was so without the fault."""
    for name, module in list(sys.modules.items()):
        if name.startswith("chalicelib"):
            for found in list(vars(module).values()):
                if callable(forget := getattr(found, "cache_clear", None)):
                    forget()


def _reassign(module: ModuleType, fault: Fault) -> None:
    """Give a constant its faulty value, in every module that has imported it."""
    (statement,) = (
        each
        for each in fault.tree.body
        if isinstance(each, ast.Assign)
        and each.lineno <= fault.line <= (each.end_lineno or each.lineno)
    )
    if not isinstance(statement.targets[0], ast.Name):
        raise NotPlantedError(fault.what)
    name = statement.targets[0].id
    known = vars(module)
    old = known[name]
    exec(  # nosec B102  # noqa: S102 - a module's own statement, changed
        compile(ast.Module([statement], []), module.__file__ or "?", "exec", dont_inherit=True),
        known,
    )
    for other in list(sys.modules.values()):
        for held, value in list(vars(other).items()) if isinstance(other, ModuleType) else ():
            if value is old and held == name:
                setattr(other, held, known[name])


def _live(module: ModuleType, path: str) -> Iterator[FunctionType]:
    """The function of this name, out of whatever wraps it."""
    found: object = module
    for name in path.split("."):
        holder = vars(found) if isinstance(found, type | ModuleType) else {}
        if name not in holder:
            raise NotPlantedError(path)
        found = holder[name]
    if isinstance(found, property):
        found = found.fget
    if isinstance(found, cached_property):
        found = found.func
    if isinstance(found, classmethod | staticmethod):
        found = found.__func__
    found = getattr(found, "__wrapped__", found)
    if isinstance(found, FunctionType):
        yield found


def _find(compiled: CodeType, old: CodeType) -> CodeType:
    """The code of the same name and line, as deep as it lies."""
    for constant in compiled.co_consts:
        if isinstance(constant, CodeType):
            if (constant.co_qualname, constant.co_firstlineno) == (
                old.co_qualname,
                old.co_firstlineno,
            ):
                return constant
            try:
                return _find(constant, old)
            except NotPlantedError:
                continue
    raise NotPlantedError(old.co_qualname)
