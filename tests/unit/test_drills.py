"""Whom a drill's note keeps from the pager, and whom it does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.channels.interface import Relayed
from chalicelib.channels.pager.drills import ButForDrills
from chalicelib.channels.received import Alarm, Received
from chalicelib.domain.drills import LONGEST, is_of_drill
from chalicelib.times import exact
from straywatch.drill.volunteer import PATH, new_name
from tests.unit.examples import NOW

ARN = f"arn:aws:iam::123456789012:user{PATH}straywatch-drill-0123456789abcdef"
USER_ID = "AIDAIOSFODNN7EXAMPLE"
NOTE = {"user_arn": ARN, "user_id": USER_ID, "until": exact(NOW + timedelta(hours=1))}
FINDING: dict[str, Any] = {
    "user_arn": ARN,
    "user_id": USER_ID,
    "severity": "LOW",
    "risk_unread": [],
    "account_id": "123456789012",
    "partition": "aws",
}


def muted(note: Mapping[str, Any] = NOTE, **finding: Any) -> bool:
    """Whether the pager ignores a finding."""
    return is_of_drill(note, {**FINDING, **finding}, NOW)


def test_the_user_of_a_drill_is_muted() -> None:
    """By its id, and before IAM has told that by its ARN alone."""
    assert muted()
    assert muted({**NOTE, "user_id": ""})
    assert muted(severity="MEDIUM", risk_unread=["access keys"])


@pytest.mark.parametrize(
    "finding",
    [
        {"user_arn": ARN[:-1]},
        {"user_arn": f"{ARN}0"},
        {"user_id": "AIDAIOSFODNN7ANOTHER"},
        {"severity": "MEDIUM"},
        {"severity": "CRITICAL"},
    ],
)
def test_nobody_else_is_muted(finding: dict[str, Any]) -> None:
    """Another user, the same name made anew, or one that was given credentials."""
    assert not muted(**finding)


@pytest.mark.parametrize("left", [timedelta(0), timedelta(days=-1), LONGEST + timedelta(seconds=1)])
def test_a_note_holds_for_a_while(left: timedelta) -> None:
    """One that is over, or ends too late, mutes nobody."""
    assert not muted({**NOTE, "until": exact(NOW + left)})


@pytest.mark.parametrize("missing", NOTE)
def test_a_broken_note_mutes_nobody(missing: str) -> None:
    """Nor does none."""
    assert not muted({name: value for name, value in NOTE.items() if name != missing})
    assert not muted({})
    assert not muted({**NOTE, "until": "soon"})


def test_names_cannot_be_guessed() -> None:
    """Sixty-four bits, and never the same."""
    assert len({new_name() for _ in range(100)}) == 100
    assert len(new_name()) == len("straywatch-drill-") + 16


@dataclass
class Loud:
    """A pager that is called for whatever it gets."""

    got: list[Received | Alarm] = field(default_factory=list)

    def relay(self, messages: Iterable[Received | Alarm]) -> Sequence[Relayed]:
        """Take all."""
        taken = list(messages)
        self.got += taken
        return [Relayed.SENT] * len(taken)


def test_the_pager_gets_all_else() -> None:
    """Tests, digests, alarms and other findings, in their order."""
    of_drill, other = FINDING, {**FINDING, "user_id": "AIDAIOSFODNN7ANOTHER"}
    messages: list[Received | Alarm] = [
        Received({"type": "opened", "test": False, "finding": of_drill}, ""),
        Received({"type": "opened", "test": False, "finding": other}, ""),
        Received({"type": "test", "test": True, "finding": of_drill}, ""),
        Received({"type": "digest", "test": False, "finding": None, "digest": {}}, ""),
        Alarm("arn", "name", "ALARM", "", ""),
    ]
    pager = Loud()
    channel = ButForDrills(pager, lambda _, finding: is_of_drill(NOTE, finding, NOW))

    became = channel.relay(messages)

    assert became == [Relayed.IGNORED, *[Relayed.SENT] * 4]
    assert pager.got == messages[1:]
