"""One reader for all viewers: AWS is asked while somebody looks, and never more often for more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from straywatch.errors import StraywatchError, explain
from straywatch.text import one_line

IDLE_AFTER = 20.0
"""Seconds without a viewer after which nothing is read any more."""


@dataclass(frozen=True, slots=True)
class Published:
    """What viewers get: the last view that could be made, and why there is no newer one.

    `version` counts the views that differ; 0 is none yet. `read_at` is in epoch seconds.
    """

    version: int = 0
    view: Mapping[str, Any] | None = None
    read_at: float | None = None
    error: str = ""


class Poller:
    """Makes a view every `seconds` in a thread of its own while it is asked for."""

    def __init__(
        self,
        make: Callable[[], Mapping[str, Any]],
        seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._make = make
        self._seconds = seconds
        self._clock = clock
        self._published = Published()
        self._asked_at = clock()
        self._wanted = threading.Event()
        self._stopped = threading.Event()

    def current(self) -> Published:
        """The newest there is; asking keeps the reading going."""
        self._asked_at = self._clock()
        self._wanted.set()
        return self._published

    def step(self) -> None:
        """Read once, and publish the view or the error."""
        try:
            view = self._make()
        except (BotoCoreError, ClientError) as error:
            self._published = replace(self._published, error=explain(error))
        except (StraywatchError, OSError) as error:
            self._published = replace(self._published, error=one_line(error))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end the thread unseen
            told = f"a mistake in straywatch: {one_line(repr(error))}"
            self._published = replace(self._published, error=told)
        else:
            before = self._published
            version = before.version + (view != before.view)
            self._published = Published(version, view, self._clock())

    @contextmanager
    def running(self) -> Iterator[None]:
        """Read for the length of a `with` block."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            self._wanted.set()
            thread.join(timeout=1)  # a call under way must not hold up Ctrl-C

    def _run(self) -> None:
        while not self._stopped.is_set():
            if self._clock() - self._asked_at > IDLE_AFTER:
                self._wanted.clear()
                self._wanted.wait()
                continue
            self.step()
            self._stopped.wait(self._seconds)
