"""Follows a deployment from one reading to the next, and remembers what went wrong meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.times import utc_now
from straywatch.errors import StraywatchError, explain
from straywatch.findings.life import Happening
from straywatch.observing.deployment import Observed
from straywatch.observing.graces import Grace, running_graces
from straywatch.observing.records import Reading
from straywatch.observing.timeline import RECENT, timeline
from straywatch.text import one_line


@dataclass
class Follower:
    """What a watcher sees: the last reading, what has happened since, and why there is no newer."""

    read: Callable[[], tuple[Reading, Observed]]
    clock: Callable[[], datetime] = utc_now
    reading: Reading | None = None
    observed: Observed | None = None
    error: str = ""
    failing_since: datetime | None = None
    happened: list[Happening] = field(default_factory=list)
    _known: set[tuple[datetime, str, str]] | None = None

    def step(self) -> None:
        """Read once; a failure is kept as a line, and the last reading stays."""
        try:
            self.reading, self.observed = self.read()
        except (BotoCoreError, ClientError) as error:
            self._failed(explain(error))
        except (StraywatchError, OSError) as error:
            self._failed(one_line(error))
        else:
            self.error, self.failing_since = "", None
            self._take(self.reading, self.observed)

    def graces(self) -> tuple[Grace, ...]:
        """The graces that run."""
        if self.reading is None or self.observed is None:
            return ()
        return running_graces(self.reading, self.observed.grace)

    def _take(self, reading: Reading, observed: Observed) -> None:
        told = timeline(reading, observed.account)
        if self._known is None:
            begun = reading.read_at - RECENT
            self.happened = [each for each in reversed(told) if each.at >= begun]
        else:
            self.happened += [each for each in reversed(told) if _key(each) not in self._known]
        self._known = {_key(each) for each in told} | (self._known or set())

    def _failed(self, reason: str) -> None:
        self.error = reason
        self.failing_since = self.failing_since or self.clock()


def _key(happening: Happening) -> tuple[datetime, str, str]:
    """What makes it the same thing, though a finding tells more of an event than its mark did."""
    return happening.at, happening.kind, happening.user_name
