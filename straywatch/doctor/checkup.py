"""The whole check-up, in the order in which data flows, and what its exit code is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from chalicelib.text import counted
from straywatch.doctor.alerting import speaking
from straywatch.doctor.event_path import hearing
from straywatch.doctor.functions import looking
from straywatch.doctor.lines import Level, Line
from straywatch.doctor.storage import remembering
from straywatch.doctor.timing import timing
from straywatch.doctor.world import World
from straywatch.errors import EXIT_FINE, EXIT_FOUND, EXIT_INCOMPLETE
from straywatch.text import one_line

Part = Callable[[World], Iterable[Line]]

PARTS: dict[str, Part] = {
    "hear": hearing,
    "look": looking,
    "remember": remembering,
    "speak": speaking,
    "time": timing,
}


@dataclass(frozen=True, slots=True)
class Area:
    """The lines of one part of the check-up."""

    name: str
    lines: tuple[Line, ...]


def check_up(world: World) -> Iterator[Area]:
    """Look at everything, one area after the other."""
    for name, part in PARTS.items():
        yield Area(name, tuple(part(world)))


def exit_code(areas: Iterable[Area]) -> int:
    """1 if anything failed, else 3 if something could not be looked at, else 0."""
    lines = [line for area in areas for line in area.lines]
    if any(line.level is Level.FAIL for line in lines):
        return EXIT_FOUND
    return EXIT_INCOMPLETE if any(line.failed_to_look for line in lines) else EXIT_FINE


def unseen(areas: Iterable[Area]) -> str:
    """How many looks failed, in one line, and why the first did."""
    blind = [line for area in areas for line in area.lines if line.failed_to_look]
    first = one_line(f"{blind[0].check}: {blind[0].seen}")
    return f"{counted(len(blind), 'check')} could not be made, the first of them {first}"
