"""The campaign: which tests reach a function, and whether one of them fails on each fault in it."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from bench.mutation.faults import Fault, faults
from bench.mutation.planting import NotPlantedError, plant

ROOT = Path(__file__).parents[2]
ROOMS = ("domain", "flows", "channels")
SECONDS = 30
"""How long the tests of one fault may run: an endless loop counts as caught."""

Key = tuple[str, str]
"""A module's file, and a function in it."""


@dataclass(frozen=True)
class Planted:
    """A fault and what the tests made of it."""

    path: str
    fault: Fault
    caught: bool
    tests: int

    def __str__(self) -> str:
        """Where it is, and what."""
        name = f" in {self.fault.function}" if self.fault.function else ""
        return f"{self.path}:{self.fault.line}{name}: {self.fault.what}"


@dataclass
class Campaign:
    """A pytest plugin that runs all tests once, and then those that can catch each fault.

    `share` of all faults are tried, drawn by `seed`; `only` names a part of the paths to try.
    """

    share: float
    seed: int
    only: str = ""
    results: list[Planted] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    _reached: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    _seconds: dict[int, float] = field(default_factory=dict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Instead of running the tests: the campaign."""
        items = session.items
        for number, item in enumerate(items):
            self._watch(number, item)
        if not self.broken:
            for path, fault in self._drawn():
                self._try(items, path, fault)
        return True

    def _watch(self, number: int, item: pytest.Item) -> None:
        """Run a test, and note which functions it reaches."""
        seen: set[CodeType] = set()

        def trace(frame: FrameType, event: str, _: Any) -> None:  # noqa: ANN401 - CPython's own
            if event == "call":
                seen.add(frame.f_code)

        begun = time.perf_counter()
        sys.setprofile(trace)
        try:
            failed = _fails(item)
        finally:
            sys.setprofile(None)
        self._seconds[number] = time.perf_counter() - begun
        if failed:
            self.broken.append(item.nodeid)
        for code in seen:
            if "/chalicelib/" in code.co_filename:
                name = code.co_qualname.split(".<locals>")[0]
                self._reached[code.co_filename, name].add(number)
                self._reached[code.co_filename, ""].add(number)

    def _drawn(self) -> Iterator[tuple[Path, Fault]]:
        draw = random.Random(self.seed)  # noqa: S311 - repeatable, not secret
        for room in ROOMS:
            for path in sorted((ROOT / "chalicelib" / room).rglob("*.py")):
                for fault in faults(path.read_text()):
                    if draw.random() < self.share and self.only in str(path):
                        yield path, fault

    def _try(self, items: Sequence[pytest.Item], path: Path, fault: Fault) -> None:
        reaching = self._reached[str(path), fault.function]
        order = sorted(reaching, key=lambda number: self._seconds[number])
        child = os.fork()
        if not child:
            os._exit(_verdict([items[number] for number in order], path, fault))
        status = _awaited(child)
        if status != _NOT_PLANTED:
            told = str(path.relative_to(ROOT))
            self.results.append(Planted(told, fault, status != _LIVES, len(order)))
            if status == _LIVES:
                print(f"lives: {self.results[-1]} ({len(order)} tests)", flush=True)


_LIVES, _CAUGHT, _NOT_PLANTED = 0, 1, 3


def _verdict(items: Sequence[pytest.Item], path: Path, fault: Fault) -> int:
    """What the tests say of a fault; in a process of its own."""
    with contextlib.suppress(BaseException):
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
    try:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        plant(importlib.import_module(name), fault)
    except (NotPlantedError, ValueError):
        return _NOT_PLANTED
    except BaseException:  # noqa: BLE001 - a constant that cannot be: nobody could import it
        return _CAUGHT
    return _CAUGHT if any(_fails(item) for item in items) else _LIVES


def _fails(item: pytest.Item) -> bool:
    try:
        reports = runtestprotocol(item, log=False, nextitem=None)
    except BaseException:  # noqa: BLE001 - whatever it is, the test did not pass
        return True
    return any(report.failed for report in reports)


def _awaited(child: int) -> int:
    """How a process ended; one that takes too long is ended, and counts as caught."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return _CAUGHT
