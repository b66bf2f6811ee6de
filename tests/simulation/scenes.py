"""Situations that chance alone would hardly ever bring about: what is done to whom, in order.

`a`, `b` and `c` stand for names, `t` for one that nobody bears, `g` and `h` for groups. A scene
is played at some pace: within one second, within seconds, or with checks in between.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.plan import Do

Step = tuple[Do, str, str]
_A_TO_T, _T_TO_A = (Do.RENAME, "a", "t"), (Do.RENAME, "t", "a")
_A_TO_B, _B_TO_A, _T_TO_B = (Do.RENAME, "a", "b"), (Do.RENAME, "b", "a"), (Do.RENAME, "t", "b")
_B_TO_C, _C_TO_T = (Do.RENAME, "b", "c"), (Do.RENAME, "c", "t")
_JOIN_A, _LEAVE_A = (Do.ADD, "a", "g"), (Do.REMOVE, "a", "g")


@dataclass(frozen=True, slots=True)
class Scene:
    """What is done, to people who are there and were prepared for it in some way."""

    title: str
    steps: tuple[Step, ...]
    people: str = "a"


SCENES = (
    Scene("names swapped", (_A_TO_T, _B_TO_A, _T_TO_B), "ab"),
    Scene("name given up and taken", (_B_TO_C, _A_TO_B), "ab"),
    Scene("name given up and taken by a member", (_B_TO_C, _A_TO_B, (Do.ADD, "b", "g")), "ab"),
    Scene("chain of renames", (_C_TO_T, _B_TO_C, _A_TO_B), "abc"),
    Scene("name of the deleted taken", ((Do.DELETE, "b", ""), _A_TO_B), "ab"),
    Scene("renamed and back", (_A_TO_T, _T_TO_A), "a"),
    Scene("renamed and joined", (_A_TO_T, (Do.ADD, "t", "g"))),
    Scene("renamed, and one of the name made", (_A_TO_T, (Do.CREATE, "a", ""))),
    Scene("made, renamed, and one of the name made",
          ((Do.CREATE, "t", ""), (Do.RENAME, "t", "c"), (Do.CREATE, "t", "")), ""),
    Scene("joined and left", (_JOIN_A, _LEAVE_A)),
    Scene("moved between groups", (_JOIN_A, (Do.ADD, "a", "h"), _LEAVE_A, (Do.REMOVE, "a", "h"))),
    Scene("left, deleted and made anew",
          (_JOIN_A, _LEAVE_A, (Do.DELETE, "a", ""), (Do.CREATE, "a", ""))),
    Scene("deleted and made anew", ((Do.DELETE, "a", ""), (Do.CREATE, "a", ""))),
    Scene("made and joined", ((Do.CREATE, "t", ""), (Do.ADD, "t", "g")), ""),
    Scene("made, joined and left",
          ((Do.CREATE, "t", ""), (Do.ADD, "t", "g"), (Do.REMOVE, "t", "g")), ""),
    Scene("made and deleted", ((Do.CREATE, "t", ""), (Do.DELETE, "t", "")), ""),
)  # fmt: skip
