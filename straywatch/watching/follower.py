"""Follows a deployment from one reading to the next, and remembers what went wrong meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.domain.findings import Finding, Status
from chalicelib.times import utc_now
from straywatch.errors import StraywatchError, explain
from straywatch.findings.life import Happening
from straywatch.observing.deployment import Observed
from straywatch.observing.graces import Grace, running_graces
from straywatch.observing.health import Sign, health
from straywatch.observing.records import Reading
from straywatch.observing.standing import Standing, standing
from straywatch.observing.timeline import RECENT, timeline
from straywatch.text import one_line

_MOST_BEFORE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What one reading comes to, all of one moment."""

    observed: Observed
    read_at: datetime
    standing: Standing
    findings: Mapping[str, Finding]
    strays: tuple[Finding, ...]
    graces: tuple[Grace, ...]
    signs: tuple[Sign, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a watcher sees: the last picture, what happened, and why there is no newer one.

    `before` is what was long past when the watch began.
    """

    picture: Picture | None = None
    before: tuple[Happening, ...] = ()
    happened: tuple[Happening, ...] = ()
    error: str = ""
    failing_since: datetime | None = None


@dataclass
class Follower:
    """Reads again and again; `seen` is replaced as a whole, so that any thread may look at it."""

    read: Callable[[], tuple[Reading, Observed]]
    clock: Callable[[], datetime] = utc_now
    seen: Seen = Seen()
    broken: BaseException | None = None
    _known: set[Happening] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self, every: timedelta) -> Iterator[None]:
        """Read in a thread of its own for a `with` block, so that whoever draws never waits."""
        thread = threading.Thread(target=self._run, args=(every.total_seconds(),), daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()  # a call under way must not hold up Ctrl-C

    def _run(self, seconds: float) -> None:
        try:
            while not self._over.is_set():
                self.step()
                self._over.wait(seconds)
        except BaseException as error:  # noqa: BLE001 - told by whoever draws, in the main thread
            self.broken = error

    def step(self) -> None:
        """Read once; a failure is kept as a line, and the last reading stays."""
        try:
            reading, observed = self.read()
        except (BotoCoreError, ClientError) as error:
            self._failed(explain(error))
        except (StraywatchError, OSError) as error:
            self._failed(one_line(error))
        else:
            self._take(reading, observed)

    def _take(self, reading: Reading, observed: Observed) -> None:
        told = timeline(reading, observed.account)
        before, new = self.seen.before, [e for e in reversed(told) if _key(e) not in self._known]
        if self.seen.picture is None:
            begun = reading.read_at - RECENT
            before = tuple(each for each in new if each.at < begun)[-_MOST_BEFORE:]
            new = [each for each in new if each.at >= begun]
        self._known |= {_key(each) for each in told}
        still_open = (f for f in reading.findings if f.status is Status.OPEN)
        self.seen = Seen(
            picture=Picture(
                observed=observed,
                read_at=reading.read_at,
                standing=standing(reading, observed.grace),
                findings={finding.finding_id: finding for finding in reading.findings},
                strays=tuple(sorted(still_open, key=lambda f: (-f.severity, f.stray_since))),
                graces=running_graces(reading, observed.grace),
                signs=health(reading, observed),
            ),
            before=before,
            happened=(*self.seen.happened, *new),
        )

    def _failed(self, reason: str) -> None:
        since = self.seen.failing_since or self.clock()
        self.seen = replace(self.seen, error=reason, failing_since=since)


def _key(happening: Happening) -> Happening:
    """What makes it the same thing, though later a finding tells of what a mark told before."""
    return replace(happening, finding_id="")
