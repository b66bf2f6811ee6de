"""A sweep of many accounts: what becomes of one that is swept, refuses, fails, or is not ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.domain.account import Account
from chalicelib.domain.alerts import Notice
from chalicelib.domain.check_requests import MalformedCheckError
from chalicelib.domain.sweep_requests import SweepRequest, decode_sweep, encode_sweep
from chalicelib.flows.fan_out import FanOut, SweepOne
from chalicelib.flows.steps import Step
from chalicelib.flows.sweep import SweepResult
from chalicelib.times import exact
from tests.fakes import Clock, State
from tests.unit.records import ACCOUNT, NOW

OTHER = Account("aws", "222222222222")
RESULT = SweepResult(
    complete=True, users=5, compliant=4, exempt=0, strays=1, opened=1, gone=0, missed_events=0
)
BODY = encode_sweep(SweepRequest(OTHER, NOW))


class RefusedError(Exception):
    """The account refuses."""


@dataclass
class World:
    """One account, and how it lets itself be read."""

    error: Exception | None = None
    silence: str = ""
    swept: list[Account] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    told: list[Notice] = field(default_factory=list)
    state: State = field(default_factory=State)
    clock: Clock = field(default_factory=lambda: Clock(NOW + timedelta(seconds=5)))

    def record_unread(self, _: Account, __: datetime, error: str) -> None:
        """Keep it as evidence."""
        self.unread.append(error)

    def _sweep(self, account: Account) -> SweepResult:
        if self.error:
            raise self.error
        self.swept.append(account)
        return RESULT

    def take(self, body: str = BODY) -> Step:
        """Hand a message to the worker."""
        return SweepOne(
            watched={ACCOUNT, OTHER},
            sweep=self._sweep,
            forwards=lambda _: self.silence,
            refusal_in=lambda error: "refused" if isinstance(error, RefusedError) else "",
            documents=self.state,
            evidence=self,
            tell=self.told.append,
            limit=3,
            clock=self.clock,
        )(body)

    @property
    def reading(self) -> Mapping[str, Any]:
        """How it goes with reading the account."""
        return self.state.document(OTHER, "reading")


def test_an_account_is_swept() -> None:
    """And nothing is noted of one that has always let itself be read."""
    world = World()
    assert world.take() is Step.SWEPT
    assert (world.swept, world.reading) == ([OTHER], {})


def test_an_account_that_refuses_is_unknown_and_not_tried_again() -> None:
    """It is a result: nothing is raised, all is noted, and told with the third time, once."""
    world = World(RefusedError())
    assert [world.take() for _ in range(5)] == [Step.UNKNOWN] * 5
    assert world.reading["failures"] == 5
    assert world.unread == ["refused"] * 5
    (notice,) = world.told
    assert notice.account == OTHER
    assert "3 sweeps failed" in notice.detail
    assert "unknown" in notice.detail


def test_an_account_that_is_readable_again_is_told_of_anew_when_it_fails_again() -> None:
    """Counting starts over."""
    world = World(RefusedError())
    for _ in range(3):
        world.take()
    world.error = None
    world.take()
    assert "failures" not in world.reading or world.reading["failures"] == 0
    world.error = RefusedError()
    for _ in range(3):
        world.take()
    assert len(world.told) == 2


def test_whatever_else_goes_wrong_comes_again() -> None:
    """And is a failure to read the account all the same."""
    world = World(TimeoutError("too slow"))
    with pytest.raises(TimeoutError):
        world.take()
    assert world.reading["error"] == "TimeoutError: too slow"


def test_an_account_that_forwards_no_longer_is_told_at_once_and_once() -> None:
    """It is swept all the same, is no unread one, and is told anew once it was heard between."""
    world = World(silence="its rule was deleted")
    assert [world.take() for _ in range(3)] == [Step.SWEPT] * 3
    assert (world.reading, world.unread) == ({}, [])
    (notice,) = world.told
    assert (notice.account, "its rule was deleted" in notice.detail) == (OTHER, True)
    world.silence = ""
    world.take()
    assert world.state.document(OTHER, "forwarding")["failures"] == 0
    world.silence = "its rule is disabled"
    world.take()
    assert len(world.told) == 2


def test_an_account_that_is_not_watched_is_not_looked_at() -> None:
    """Whoever left since it was asked for."""
    world = World()
    stranger = encode_sweep(SweepRequest(Account("aws", "999999999999"), NOW))
    assert world.take(stranger) is Step.IGNORED
    assert world.swept == []


def test_a_sweep_that_another_has_answered_is_not_made() -> None:
    """A queue that has grown long must not grow longer."""
    world = World()
    world.state.write_document(OTHER, "sweep", {"started_at": exact(NOW + timedelta(seconds=1))})
    assert world.take() is Step.MERGED


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{}", '{"version": 2, "kind": "sweep"}', '{"version": 1, "kind": "check"}'],
)
def test_what_is_no_sweep_message_is_refused(body: str) -> None:
    """It goes to the dead letters at once."""
    with pytest.raises(MalformedCheckError, match="not a sweep message"):
        decode_sweep(body)


def test_one_message_for_each_account() -> None:
    """With the time at which it was asked for."""
    sent: list[SweepRequest] = []

    def send(requests: Any) -> int:
        sent.extend(requests)
        return len(sent)

    fan_out = FanOut(accounts=lambda: (ACCOUNT, OTHER), send=send, clock=Clock(NOW))
    assert fan_out.run() == {"asked": 2}
    assert sent == [SweepRequest(ACCOUNT, NOW), SweepRequest(OTHER, NOW)]
    assert decode_sweep(encode_sweep(sent[1])) == sent[1]
