"""PagerDuty by HTTP: what may pass is tried again within bounds, what is refused is said."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chalicelib.adapters.pagerduty import (
    ATTEMPTS,
    KEY_KEPT_FOR,
    LONGEST_WAIT_SECONDS,
    EventsApi,
    PageRefusedError,
    PagerError,
    PagerUnavailableError,
)
from chalicelib.channels.pager.incidents import Action, PagerDutyEvent
from straywatch.local.receivers.http_endpoint import serving
from straywatch.local.receivers.pagerduty import ROUTING_KEY, PagerDuty, Trouble
from tests.unit.examples import NOW

PAGE = PagerDutyEvent(
    Action.TRIGGER,
    "aws:123456789012:AIDAEXAMPLE:1",
    {"summary": "IAM user frank is in no group", "severity": "error", "source": "AWS"},
)
OTHER_KEY = "f" * 32


@dataclass
class Secrets:
    """Secrets Manager with one secret."""

    text: str = field(default=ROUTING_KEY, repr=False)
    reads: int = 0

    def get_secret_value(self, **_: Any) -> dict[str, str]:
        """Return the secret as it is now."""
        self.reads += 1
        return {"SecretString": self.text}


@dataclass
class Desk:
    """A pager wired to a stand-in, with a clock and waits of its own."""

    pagerduty: PagerDuty
    address: str
    secrets: Secrets = field(default_factory=Secrets)
    now: datetime = NOW
    waits: list[float] = field(default_factory=list)

    def pager(self, path: str = "/v2/enqueue", timeout_seconds: float = 5.0) -> EventsApi:
        """The code under test."""
        return EventsApi(
            secrets=self.secrets,  # type: ignore[arg-type] # stands in for the client
            secret_arn="arn:aws:secretsmanager:us-east-1:123456789012:secret:pd",
            url=self.address + path,
            clock=lambda: self.now,
            sleep=self.waits.append,
            timeout_seconds=timeout_seconds,
        )


@pytest.fixture
def desk() -> Iterator[Desk]:
    """PagerDuty's stand-in on a free port."""
    pagerduty = PagerDuty()
    with serving(pagerduty.receive) as address:
        yield Desk(pagerduty, address)


def test_sends_an_event(desk: Desk) -> None:
    """One request, and the incident is open."""
    desk.pager().send(PAGE)
    assert desk.pagerduty.requests == 1
    assert desk.pagerduty.incidents[PAGE.dedup_key].is_open


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_tries_again_what_may_pass(desk: Desk, status: int) -> None:
    """A busy or broken PagerDuty is asked again, after a wait; then the incident is open once."""
    desk.pagerduty.troubles.extend([Trouble(status)] * (ATTEMPTS - 1))
    desk.pager().send(PAGE)
    assert desk.pagerduty.incidents[PAGE.dedup_key].opened == 1
    assert len(desk.waits) == ATTEMPTS - 1
    assert all(wait > 0 for wait in desk.waits)


def test_gives_up_within_bounds(desk: Desk) -> None:
    """After a few attempts it fails, so that Lambda tries later and at last dead-letters it."""
    desk.pagerduty.troubles.extend([Trouble(429, headers={"Retry-After": "3600"})] * 50)
    with pytest.raises(PagerUnavailableError, match="429"):
        desk.pager().send(PAGE)
    assert desk.pagerduty.requests == ATTEMPTS
    assert max(desk.waits) <= LONGEST_WAIT_SECONDS


def test_waits_as_long_as_it_is_asked_to(desk: Desk) -> None:
    """Retry-After is kept, as far as the function's time allows."""
    desk.pagerduty.troubles.append(Trouble(429, headers={"Retry-After": "3"}))
    desk.pager().send(PAGE)
    assert desk.waits == [3.0]


def test_an_answer_that_was_lost_opens_no_second_incident(desk: Desk) -> None:
    """The event was taken and the answer said otherwise: the repeat has the same dedup key."""
    desk.pagerduty.troubles.append(Trouble(503, accepted=True))
    desk.pager().send(PAGE)
    incident = desk.pagerduty.incidents[PAGE.dedup_key]
    assert (incident.opened, incident.triggers) == (1, 2)


def test_an_outage_is_an_error() -> None:
    """Nobody listens: tried again, then raised."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        desk = Desk(PagerDuty(), f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(PagerUnavailableError, match="could not be reached"):
            desk.pager().send(PAGE)
    assert len(desk.waits) == ATTEMPTS - 1


def test_a_refused_key_is_read_anew_once(desk: Desk) -> None:
    """A key that was changed in Secrets Manager serves at once, not after the cache has ended."""
    desk.pagerduty.routing_key = OTHER_KEY
    desk.secrets.text = OTHER_KEY
    pager = desk.pager()
    pager.send(PAGE)
    desk.secrets.text = desk.pagerduty.routing_key = ROUTING_KEY
    pager.send(PAGE)
    assert desk.secrets.reads == 2


def test_a_wrong_key_is_refused_and_never_shown(desk: Desk, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg] # of text
    """A refusal is not tried again; neither the error nor the log holds the key."""
    desk.pagerduty.routing_key = OTHER_KEY
    with pytest.raises(PageRefusedError) as raised:
        desk.pager().send(PAGE)
    assert desk.pagerduty.requests == 1
    assert "400" in str(raised.value)
    told = str(raised.value) + repr(desk.pager()) + capsys.readouterr().out
    assert ROUTING_KEY not in told


def test_an_echo_of_the_key_is_blotted_out(desk: Desk) -> None:
    """Even if the answer repeats the key, the error does not."""
    bad = PagerDutyEvent(Action.TRIGGER, PAGE.dedup_key, {"severity": ROUTING_KEY})
    with pytest.raises(PageRefusedError) as raised:
        desk.pager().send(bad)
    assert "***" in str(raised.value)
    assert ROUTING_KEY not in str(raised.value)


def test_the_key_is_kept_for_a_short_while(desk: Desk) -> None:
    """Secrets Manager is asked once in five minutes, not for each page."""
    pager = desk.pager()
    pager.send(PAGE)
    pager.send(PAGE)
    assert desk.secrets.reads == 1
    desk.now += KEY_KEPT_FOR + timedelta(seconds=1)
    pager.send(PAGE)
    assert desk.secrets.reads == 2


@pytest.mark.parametrize(
    "text", [ROUTING_KEY, f" {ROUTING_KEY}\n", json.dumps({"routing_key": ROUTING_KEY})]
)
def test_a_secret_is_the_key_or_has_it(desk: Desk, text: str) -> None:
    """The key alone, or a JSON object as the console makes one."""
    desk.secrets.text = text
    desk.pager().send(PAGE)
    assert desk.pagerduty.requests == 1


@pytest.mark.parametrize("text", ["", "x", "{}", "[]", '{"routing_key": 1}', "k" * 33, "null"])
def test_a_secret_without_a_key_is_said_to_be_so(desk: Desk, text: str) -> None:
    """The error names the fault and not what the secret holds."""
    desk.secrets.text = text
    with pytest.raises(PageRefusedError, match="holds no routing key"):
        desk.pager().send(PAGE)
    assert desk.pagerduty.requests == 0


@pytest.mark.parametrize(
    "url", ["http://events.pagerduty.com/v2/enqueue", "ftp://x", "file:///etc"]
)
def test_the_key_goes_nowhere_in_the_clear(desk: Desk, url: str) -> None:
    """Only https, or a stand-in on this very machine."""
    desk.address = ""
    with pytest.raises(PagerError, match="https"):
        desk.pager(url).send(PAGE)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(desk: Desk, status: int) -> None:
    """A redirect could carry the key to somebody else."""
    elsewhere = PagerDuty()
    with serving(elsewhere.receive) as address:
        desk.pagerduty.troubles.append(Trouble(status, headers={"Location": f"{address}/v2"}))
        with pytest.raises(PageRefusedError, match=str(status)):
            desk.pager().send(PAGE)
    assert (elsewhere.requests, desk.pagerduty.requests) == (0, 1)
    assert desk.pagerduty.incidents == {}


LIES = {
    "a page": Trouble(200, said=b"<html><body>Welcome</body></html>"),
    "a page with 202": Trouble(202, said=b"<html><body>Welcome</body></html>"),
    "success with 200": Trouble(200, said=b'{"status": "success"}'),
    "nothing": Trouble(204, said=b""),
    "nothing with 202": Trouble(202, said=b""),
    "an error with 202": Trouble(202, said=b'{"status": "invalid event"}'),
    "another's words": Trouble(202, said=b'["success"]'),
    "a riddle": Trouble(202, said=b"[" * 100_000),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_only_pagerdutys_own_word_counts(desk: Desk, lie: Trouble) -> None:
    """An address that answers kindly, and is not PagerDuty's, loses no page in silence."""
    desk.pagerduty.troubles.extend([lie] * ATTEMPTS)
    with pytest.raises(PagerUnavailableError, match="is the address right"):
        desk.pager().send(PAGE)
    assert desk.pagerduty.requests == ATTEMPTS
    assert desk.pagerduty.incidents == {}


def test_a_silent_pagerduty_is_tried_again(desk: Desk) -> None:
    """An attempt that gets no answer ends in time for the next one."""
    desk.pagerduty.troubles.append(Trouble(delay=3.0))
    desk.pager(timeout_seconds=0.5).send(PAGE)
    assert desk.pagerduty.requests == 2


def test_what_ends_between_two_attempts_is_sent_no_more(desk: Desk) -> None:
    """The first attempt may have been taken all the same, and its resolve be through already."""
    desk.pagerduty.troubles.append(Trouble(503, accepted=True))
    desk.pager().send(PAGE, lambda: True)
    assert desk.pagerduty.requests == 1
    desk.pager().send(PAGE, lambda: True)
    assert desk.pagerduty.requests == 2


def test_a_changed_key_takes_one_of_the_attempts(desk: Desk) -> None:
    """However troubles come together, one event takes no more attempts than it may."""
    pager = desk.pager()
    pager.send(PAGE)
    desk.secrets.text = desk.pagerduty.routing_key = OTHER_KEY
    desk.pagerduty.troubles.extend([Trouble(503), Trouble(202, accepted=False), Trouble(503)])
    with pytest.raises(PagerUnavailableError):
        pager.send(PAGE)
    assert desk.pagerduty.requests == 1 + ATTEMPTS


@pytest.mark.parametrize("url", ["https://", "https://host:port/", "https:///v2"])
def test_an_address_that_is_none_is_said_to_be_so(desk: Desk, url: str) -> None:
    """A slip in PagerDutyUrl is named, and nothing is sent anywhere."""
    desk.address = ""
    with pytest.raises(PagerError, match="the address of PagerDuty"):
        desk.pager(url).send(PAGE)
