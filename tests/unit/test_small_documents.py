"""What a function leaves in the state table for the next one, as an earlier version left it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from chalicelib.codec import decode, encode
from chalicelib.domain.floods import Crowd, Flood
from chalicelib.domain.severity import Severity
from chalicelib.flows.flood_book import FloodBook
from chalicelib.flows.sweep import _Cursor, _Last, _Tally
from chalicelib.times import exact
from tests.fakes import State
from tests.unit.records import ACCOUNT, NOW

THEN = exact(NOW)
KEY = {"pk": "aws:123456789012", "sk": "digest"}
NUMBERS = {"users": Decimal(7), "compliant": Decimal(4), "exempt": Decimal(1), "strays": Decimal(2)}


def test_a_flood_goes_on_over_an_upgrade() -> None:
    """Its digests keep their id, and what they count; the crowd that led to it begins anew."""
    crowd = {"count": Decimal(12), "last_at": THEN, "due_at": THEN, "version": Decimal(3)}
    assert decode(Crowd, crowd | KEY) == Crowd("", 12, NOW, NOW, 3)
    numbers = {"open": Decimal(5), "announced": Decimal(9), "version": Decimal(2)}
    earlier = {"id": "x", "told_at": THEN, "severity": "HIGH"} | numbers
    (flood,) = floods_in(earlier)
    assert flood == Flood(
        "x",
        NOW,
        severity=Severity.HIGH,
        severity_here=Severity.HIGH,
        announced=9,
    )


def test_a_flood_that_was_told_to_be_over_stays_so() -> None:
    """Also where the function ended before it could note that it had told so."""
    over = {"told_at": THEN, "version": Decimal(4)}
    assert floods_in(over) == ()
    closing = over | {"id": "x", "announced": Decimal(9), "severity": "LOW", "closing": True}
    (flood,) = floods_in(closing)
    assert flood.ending


def floods_in(document: dict[str, Any]) -> tuple[Flood, ...]:
    """The floods in a book that an earlier version has left."""
    return FloodBook(State(documents={"digest": document | KEY})).floods(ACCOUNT)


def test_a_sweep_that_stopped_half_way_goes_on_over_an_upgrade() -> None:
    """With the page that it stopped at, and all that it had counted."""
    stopped = {"marker": "m", "started_at": THEN, "seen": ["AIDA1"], "tally": NUMBERS}
    assert decode(_Cursor, stopped | KEY) == _Cursor(NOW, "m", ("AIDA1",), _Tally(7, 4, 1, 2))
    done = {"marker": "", "started_at": THEN, "seen": [], "tally": dict.fromkeys(NUMBERS, 0)}
    assert decode(_Cursor, done | KEY) == _Cursor(NOW)


def test_a_sweep_that_stopped_can_be_taken_up_by_the_version_before() -> None:
    """While functions are replaced one by one, that one looks for every part."""
    assert encode(_Cursor(NOW, "m"), whole=True) == {
        "marker": "m",
        "started_at": THEN,
        "seen": [],
        "tally": dict.fromkeys(NUMBERS, 0),
    }


def test_the_first_sweep_of_all_is_remembered_over_an_upgrade() -> None:
    """Whoever was a stray before it is no event that was missed."""
    last = {"complete": True, "started_at": THEN, "finished_at": THEN, "watching_since": THEN}
    assert decode(_Last, last | NUMBERS | KEY) == _Last(NOW, NOW)
