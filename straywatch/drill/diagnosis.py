"""Why a leg of a drill broke: what the doctor finds on its way, and what was dead-lettered."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from chalicelib.times import utc_now
from straywatch.aws.identity import own_account
from straywatch.aws.sessions import RETRIES
from straywatch.deploy.deployed import deployed_stack
from straywatch.doctor.checkout import packaged
from straywatch.doctor.checkup import PARTS
from straywatch.doctor.deployment import read_world
from straywatch.doctor.lines import Level, Line
from straywatch.doctor.world import Checkout, Unread, World
from straywatch.drill.course import Part
from straywatch.redrive.letterbox import Letterbox

if TYPE_CHECKING:
    import boto3

    from straywatch.observing.deployment import Observed

_AREAS = {
    Part.EVENT: ("hear",),
    Part.CHECK: ("look", "remember", "time"),
    Part.ALERT: ("speak", "look"),
    Part.AUDIENCE: ("speak",),
    Part.RESOLVE: ("hear", "look", "speak"),
}
"""Which parts of the doctor's check-up a leg depends on."""
_MOST_LETTERS = 100


def causes(
    session: boto3.Session, stage: str | None, observed: Observed, user_name: str, part: Part
) -> Iterator[str]:
    """Tell what may have broken a leg, the surest first. Raises what AWS refuses."""
    letters = Letterbox(session.client("sqs", config=RETRIES), observed.dead_letter_queue_url)
    found = list(letters.letters(letters.now(), _MOST_LETTERS))
    letters.put_back(found)
    for letter in found:
        if user_name in letter.about:
            yield f"dead-lettered: {letter.kind} of {letter.about}: {letter.reason}"
    world = _world(session, stage, packs="look" in _AREAS[part])
    for area in _AREAS[part]:
        for line in PARTS[area](world):
            if line.level is Level.FAIL:
                yield _told(line)


def _told(line: Line) -> str:
    remedies = {"fix": line.mend, "advice": line.advice}
    told = [f"{name}: {remedy}" for name, remedy in remedies.items() if remedy]
    return "; ".join([f"{line.check}: {line.seen}", *told])


@cache
def _checkout() -> Checkout | Unread:
    """What this checkout would deploy; packing it takes seconds."""
    return packaged()


def _world(session: boto3.Session, stage: str | None, *, packs: bool) -> World:
    checkout = _checkout() if packs else Unread("no part that is asked needs it")
    stack = deployed_stack(session, stage)
    return read_world(session, own_account(session), stack, checkout, clock=utc_now)
