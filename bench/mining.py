"""Measure the miner on public role mining sets: `python -m bench.mining FILE…`.

A file has a line `user permission` for each assignment and may be packed by gzip. IAM's quotas are
lifted, since the published answers know none. Each file is mined in a process of its own, so that
its memory is its own; the answer is checked before it is printed: every user gets exactly its
permissions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from straywatch.remediation.planning.mining import Cover, Row, mine

HEADS = ("set", "users", "permissions", "groups", "bound", "s", "MB", "exact")
WIDTHS = (20, 8, 12, 8, 8, 8, 8, 6)


class UnreadableSetError(Exception):
    """A file that is no list of assignments."""


@dataclass(frozen=True)
class Measured:
    """One file's figures; `exact` tells whether every user gets its permissions and no other."""

    name: str
    users: int
    permissions: int
    groups: int
    bound: int
    seconds: float
    megabytes: float
    exact: bool


def assignments(path: Path) -> dict[str, frozenset[str]]:
    """Read who holds what. Raises UnreadableSetError for a line that is not `user permission`."""
    held: dict[str, set[str]] = {}
    for number, line in enumerate(_lines(path), start=1):
        match line.split():
            case []:
                continue
            case [user, permission]:
                held.setdefault(user, set()).add(permission)
            case _:
                raise UnreadableSetError(f"{path}, line {number}: not `user permission`")
    if not held:
        raise UnreadableSetError(f"{path} holds no assignment")
    return {user: frozenset(permissions) for user, permissions in held.items()}


def _lines(path: Path) -> Iterator[str]:
    try:
        packed = path.read_bytes()
        text = gzip.decompress(packed) if path.suffix == ".gz" else packed
        yield from text.decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UnreadableSetError(f"{path} cannot be read: {error}") from error


def measure(path: Path) -> Measured:
    """Mine one file and check the answer. Raises UnreadableSetError."""
    held = assignments(path)
    numbers = {p: n for n, p in enumerate(sorted({p for own in held.values() for p in own}))}
    users: dict[int, int] = {}
    for own in held.values():
        mask = sum(1 << numbers[permission] for permission in own)
        users[mask] = users.get(mask, 0) + 1
    rows = tuple(Row(mask, mask, count) for mask, count in sorted(users.items()))
    start = time.perf_counter()
    cover = mine(rows)
    seconds = time.perf_counter() - start
    return Measured(
        name=path.name.split(".")[0],
        users=len(held),
        permissions=len(numbers),
        groups=len(cover.groups),
        bound=cover.bound,
        seconds=round(seconds, 2),
        megabytes=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        exact=is_exact(rows, cover),
    )


def is_exact(rows: tuple[Row, ...], cover: Cover) -> bool:
    """Tell whether the groups that each row may join give it all that it needs."""
    for row in rows:
        given = 0
        for group in cover.groups:
            if not group & ~row.allowed:
                given |= group
        if given != row.needs:
            return False
    return True


def _apart(path: Path) -> Measured:
    command = [sys.executable, "-m", "bench.mining", "--one", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UnreadableSetError(
            done.stderr.strip() or f"{path}: the miner ended in {done.returncode}"
        )
    return Measured(**json.loads(done.stdout))


def main() -> int:
    """Print one line for each file; 0 if every answer covers exactly."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m bench.mining")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    try:
        if chosen.one:
            print(json.dumps(asdict(measure(chosen.files[0]))))
            return 0
        print(
            " ".join(
                f"{h:<{w}}" if h == "set" else f"{h:>{w}}"
                for h, w in zip(HEADS, WIDTHS, strict=True)
            )
        )
        exact = True
        for path in chosen.files:
            found = _apart(path)
            exact &= found.exact
            print(
                f"{found.name:<20} {found.users:>8} {found.permissions:>12} {found.groups:>8} "
                f"{found.bound:>8} {found.seconds:>8.2f} {found.megabytes:>8.0f} "
                f"{'yes' if found.exact else 'NO':>6}",
                flush=True,
            )
    except UnreadableSetError as error:
        print(error, file=sys.stderr)
        return 3
    return 0 if exact else 1


if __name__ == "__main__":
    sys.exit(main())
