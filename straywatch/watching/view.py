"""What a watcher has chosen to see, and how keys change it."""

from __future__ import annotations

from dataclasses import dataclass, replace

_PARTS = {"0": "all", "1": "strays", "2": "graces", "3": "log"}
_A_PAGE = 10
_STEPS = {"up": -1, "down": 1, "page up": -_A_PAGE, "page down": _A_PAGE}


@dataclass(frozen=True, slots=True)
class View:
    """All parts or one of them, and how far it is scrolled, in lines; among strays: which one.

    `finding_id` is the finding that is open, if any.
    """

    part: str = "all"
    offset: int = 0
    finding_id: str = ""

    def pressed(self, key: str) -> View:
        """The view after a key."""
        if key in _PARTS:
            return View(_PARTS[key])
        if key == "home":
            return replace(self, offset=0)
        way = -1 if self.part == "log" else 1  # it stands at its end, and is scrolled back
        return replace(self, offset=max(0, self.offset + way * _STEPS.get(key, 0)))

    @property
    def is_of_strays(self) -> bool:
        """Whether one of the strays can be chosen."""
        return self.part in ("all", "strays")
