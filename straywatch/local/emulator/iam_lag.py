"""IAM's lag: on order, reads show users and groups as they were some seconds ago.

On AWS mostly about two seconds, with no bound. What a write finds is the present, as there.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.services import iam

from straywatch.local.emulator.iam_answers import Handler, IamResponse, Parameters

_READS = ("Get", "List")
_lock = threading.RLock()
Stores = list[dict[Any, Any]]


@dataclass
class Lag:
    """How many seconds reads are behind, and what they may still have to show."""

    seconds: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _past: deque[tuple[float, Stores]] = field(default_factory=deque)

    def before_write(self) -> None:
        """Keep the state that is about to end."""
        if self.seconds:
            self._past.append((self.clock(), [copy.deepcopy(s._data) for s in _stores()]))

    def shown(self) -> Stores:
        """Return what a read shows now."""
        moment = self.clock() - self.seconds
        while self._past and self._past[0][0] <= moment:
            self._past.popleft()
        return self._past[0][1] if self._past else [store._data for store in _stores()]


def install(lag: Lag) -> None:
    """Put every handler of IAM's behind the lag."""
    for action, handler in list(iam._IAM_HANDLERS.items()):
        behind = _read if action.startswith(_READS) else _write
        iam._IAM_HANDLERS[action] = behind(handler, lag)


def _stores() -> tuple[Any, ...]:
    return iam._users, iam._groups, iam._user_inline_policies, iam._access_keys


def _write(handler: Handler, lag: Lag) -> Handler:
    def handle(p: Parameters) -> IamResponse:
        with _lock:
            lag.before_write()
            return handler(p)

    return handle


def _read(handler: Handler, lag: Lag) -> Handler:
    def handle(p: Parameters) -> IamResponse:
        if not lag.seconds:
            return handler(p)
        with _lock:
            present = [store._data for store in _stores()]
            _show(lag.shown())
            try:
                return handler(p)
            finally:
                _show(present)

    return handle


def _show(contents: Stores) -> None:
    for store, content in zip(_stores(), contents, strict=True):
        store._data = content
