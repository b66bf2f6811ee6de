"""The campaign: which tests reach a function, and whether one of them fails on each fault in it."""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import resource
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
"""The folders of chalicelib whose code is tried."""
PATIENCE = 10
"""A fault that makes its tests take so many times as long, and so many seconds of the processor,
is an endless loop: it counts as caught. Not by the clock, since others may use the machine."""

Key = tuple[str, str]
"""A module's file, and a function in it."""


@dataclass(frozen=True)
class _Took:
    """Seconds, by the clock and of the processor."""

    clock: float
    processor: float


def _now() -> _Took:
    return _Took(time.perf_counter(), time.process_time())


@dataclass(frozen=True)
class Planted:
    """A fault and what the tests made of it."""

    path: str
    fault: Fault
    caught: bool
    tests: int
    why_it_lives: str = ""

    def __str__(self) -> str:
        """Where it is, and what."""
        name = f" in {self.fault.function}" if self.fault.function else ""
        return f"{self.path}:{self.fault.line}{name}: `{self.fault.code}`: {self.fault.what}"


@dataclass
class Campaign:
    """A pytest plugin that runs all tests once, and then those that can catch each fault.

    `share` of all faults are tried, drawn by `seed`; `only` names parts of the paths to try.
    """

    share: float
    seed: int
    only: str = ""
    explained: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    results: list[Planted] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    is_stopped: bool = False
    _reached: dict[Key, set[int]] = field(default_factory=lambda: defaultdict(set))
    _took: dict[int, _Took] = field(default_factory=dict)

    def score(self, path: str = "") -> str:
        """How many were caught of all that were tried, in one file or in all."""
        results = [each for each in self.results if path in ("", each.path)]
        caught = sum(each.caught for each in results)
        explained = sum(bool(each.why_it_lives) and not each.caught for each in results)
        share = caught / max(1, len(results))
        return f"caught {caught} of {len(results)} ({share:.1%}), {explained} more are explained"

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
            del event  # a call: whoever returns None is told of nothing that happens in it
            seen.add(frame.f_code)

        begun = _now()
        sys.settrace(trace)
        try:
            failed = _fails(item)
        finally:
            sys.settrace(None)
        now = _now()
        self._took[number] = _Took(now.clock - begun.clock, now.processor - begun.processor)
        if failed:
            self.broken.append(item.nodeid)
        for code in seen:
            if "/chalicelib/" in code.co_filename:
                name = code.co_qualname.split(".<locals>")[0]
                self._reached[code.co_filename, name].add(number)
                self._reached[code.co_filename, ""].add(number)

    def modules(self) -> list[Path]:
        """The modules to try."""
        found = (path for room in ROOMS for path in (ROOT / "chalicelib" / room).rglob("*.py"))
        parts = self.only.split(",")
        chosen = (p for p in found if any(part in str(p) for part in parts))
        return sorted(p for p in chosen if p.name != "__init__.py")

    def _drawn(self) -> Iterator[tuple[Path, Fault]]:
        draw = random.Random(self.seed)  # nosec B311  # noqa: S311 - repeatable, not secret
        for path in self.modules():
            for fault in faults(path.read_text(encoding="utf-8")):
                if draw.random() < self.share:
                    yield path, fault

    def _try(self, items: Sequence[pytest.Item], path: Path, fault: Fault) -> None:
        reaching = self._reached[str(path), fault.function]
        if not fault.function:  # a constant is also held by tests that call nothing
            homes = {items[number].path for number in reaching}
            reaching = {number for number, item in enumerate(items) if item.path in homes}
        order = sorted(reaching, key=lambda number: self._took[number].clock)
        most = PATIENCE * (1 + sum(self._took[number].processor for number in order))
        child = os.fork()
        if not child:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CPU, (int(most), int(most)))
            os._exit(_verdict([items[number] for number in order], path, fault))
        try:
            verdict = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        except KeyboardInterrupt:
            os.kill(child, signal.SIGKILL)
            raise
        if verdict != _NOT_PLANTED:
            told = str(path.relative_to(ROOT))
            why = self.explained.get(told, {}).get(fault.key, "")
            self.results.append(Planted(told, fault, verdict != _LIVES, len(order), why))
            self._tell(self.results[-1])

    def _tell(self, planted: Planted) -> None:
        if not planted.caught and not planted.why_it_lives:
            print(f"lives: {planted} ({planted.tests} tests)", flush=True)
        elif planted.caught and planted.why_it_lives:
            print(f"explained, and caught: {planted}", flush=True)


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
    except KeyboardInterrupt:  # the campaign is stopped: that says nothing of the test
        raise
    except BaseException:  # noqa: BLE001 - whatever it is, the test did not pass
        return True
    return any(report.failed for report in reports)
