"""Which document of exemptions is in force: the newest good one, read anew where it decides."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from chalicelib.domain.alerts import Notice
from chalicelib.domain.exemptions import Exempt, Parameter
from chalicelib.flows.exemptions_in_force import DOCUMENT, ExemptionsInForce
from chalicelib.times import exact
from tests.fakes import Clock, State
from tests.unit.examples import ACCOUNT, NOW
from tests.unit.test_exemptions import user

MINUTE = timedelta(minutes=1)


def document(name: str) -> str:
    """A document that exempts one name."""
    return json.dumps({"version": 1, "exemptions": [{"name": name, "reason": "tests"}]})


GOOD, OTHER = document("ci-robot"), document("somebody-else")
BROKEN = "{"


@dataclass
class World:
    """A parameter, the monitor's note, whom it tells, and a function that stays warm."""

    text: str = GOOD
    edition: str = "1"
    state: State = field(default_factory=State)
    told: list[Notice] = field(default_factory=list)
    clock: Clock = field(default_factory=lambda: Clock(NOW))
    reads: int = 0

    def __post_init__(self) -> None:
        self.warm = self.cold()

    def cold(self) -> ExemptionsInForce:
        """A function that has just started."""
        return ExemptionsInForce(
            read=self.read, documents=self.state, tell=self.told.append, clock=self.clock
        )

    def read(self) -> Parameter:
        """The parameter as it is now."""
        self.reads += 1
        return Parameter(self.text, self.edition)

    def set(self, text: str) -> None:
        """Somebody stores another document."""
        self.text, self.edition = text, self.edition + "'"

    def exempts(self, age: timedelta = timedelta()) -> bool:
        """Whether the robot is exempt, by a document read so long ago at most."""
        found = self.warm.exemption(ACCOUNT, user("ci-robot"), NOW, age)
        return isinstance(found, Exempt)

    @property
    def noted(self) -> dict[str, object]:
        """What the monitor has noted."""
        return dict(self.state.documents.get(DOCUMENT, {}))


@pytest.mark.parametrize(
    ("age", "later", "reads"),
    [
        (timedelta(), timedelta(), 2),  # what decides is read anew, also within one instant
        (MINUTE, timedelta(), 1),
        (MINUTE, MINUTE, 1),
        (MINUTE, MINUTE + timedelta(microseconds=1), 2),
    ],
)
def test_a_document_is_read_anew_once_it_is_too_old(
    age: timedelta, later: timedelta, reads: int
) -> None:
    """Whoever only sorts may use what was read a minute ago; whoever decides may not."""
    world = World()
    assert world.exempts(age)
    world.set(OTHER)
    world.clock.now += later
    assert world.exempts(age) is (reads == 1)
    assert world.reads == reads


def test_a_good_document_is_noted_once() -> None:
    """It stays in force should the next one be refused; nothing is read or written for repeats."""
    world = World()
    world.exempts()
    assert world.noted == {"good": GOOD}
    world.state.documents.clear()
    world.exempts()
    assert world.noted == {}
    world.set(OTHER)
    assert not world.exempts()
    assert world.noted == {"good": OTHER}
    world.state.documents[DOCUMENT] = {"good": OTHER, "mine": 1}
    world.warm = world.cold()
    world.exempts()
    assert world.noted == {"good": OTHER, "mine": 1}, "what is noted already is left as it is"


def test_without_a_document_nobody_is_exempt_by_one() -> None:
    """And nothing is noted."""
    world = World(text="", edition="")
    assert not world.exempts()
    world.set(GOOD)
    world.edition = ""
    assert world.exempts(), "a parameter without an edition is always read"
    assert world.told == []


def test_a_broken_document_is_refused_and_told_once_a_day() -> None:
    """The last good one stays in force, for a function that starts anew, too."""
    world = World()
    world.exempts()
    world.set(BROKEN)
    assert world.exempts()
    (notice,) = world.told
    assert "not JSON" in notice.detail
    assert world.noted == {"good": GOOD, "refused": BROKEN, "told_at": exact(NOW)}
    world.warm = world.cold()
    world.clock.now += timedelta(days=1) - timedelta(microseconds=1)
    assert world.exempts()
    assert len(world.told) == 1
    world.clock.now += timedelta(microseconds=1)
    assert world.exempts()
    assert len(world.told) == 2
    world.set(BROKEN * 2)
    world.exempts()
    assert len(world.told) == 3, "another one that is broken is told at once"


def test_a_mended_document_is_in_force_and_the_refusal_forgotten() -> None:
    """Also if it is the last good one again: the next fault of the same text is told anew."""
    world = World()
    world.exempts()
    world.set(BROKEN)
    world.exempts()
    world.set(GOOD)
    assert world.exempts()
    assert world.noted == {"good": GOOD}
    world.set(BROKEN)
    assert world.exempts()
    assert len(world.told) == 2


def test_a_good_edition_that_comes_back_after_a_broken_one_is_read() -> None:
    """The edition noted as good is not taken for read while another one is refused."""
    world = World()
    world.exempts()
    world.text, world.edition = BROKEN, "2"
    world.exempts()
    world.text, world.edition = OTHER, "1"
    assert not world.exempts()
