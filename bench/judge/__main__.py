"""Hold plan, apply, undo and verify against two judges: `python -m bench.judge --queries N`.

One is npm's `@cloud-copilot/iam-simulate`, the other is in our tests, written from AWS's rules
alone. Neither knows our algebra. Random accounts go through plan, apply, a stranger's change and
undo; every user is asked about every request in every state. Exit code 1: a fault, or the judges
differ; 3: there is no judge from npm here, or the time was up too early.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from moto import mock_aws

from bench.figures import Figure
from bench.judge.bounded import bounded
from bench.judge.counts import Counts
from bench.judge.node import Driver, NoJudgeError, installed
from bench.judge.trial import try_account
from tests.adapters.remediation_account import client

BENCHED = 50_000
BENCHED_SECONDS = 60
"""Queries in `make bench` at most, and how long they may take."""


def run(
    queries: int, seconds: float, seed: int, contexts: int, command: Callable[[], list[str]]
) -> Iterator[Counts]:
    """Try accounts until so many queries were asked, or the time is up; the counts so far.

    `command` gives what starts the driver. Raises NoJudgeError.
    """
    total = Counts()
    end = time.perf_counter() + seconds
    with (
        Driver(command()) as driver,
        tempfile.TemporaryDirectory(prefix="straywatch-judge-") as folder,
    ):
        while total.queries.total() < queries and time.perf_counter() < end:
            with mock_aws():
                total.add(try_account(seed, contexts, driver.ask, Path(folder), bounded(client())))
            seed += 1
            yield total


def measure(command: Callable[[], list[str]] = installed) -> Iterator[Figure]:
    """The judge's part of `make bench`; where it cannot be asked, a figure that says so."""
    start = time.perf_counter()
    try:
        *_, total = run(BENCHED, BENCHED_SECONDS, 0, 4, command)
    except NoJudgeError as error:
        yield Figure("independent judge", "NOT RUN", str(error))
        return
    rate = total.queries.total() / (time.perf_counter() - start)
    asked = f"{total.queries.total():,} queries, {rate:,.0f}/s"
    yield Figure("independent judge: access lost, gained or missed", f"{total.faults:,}", asked)
    yield Figure("independent judge: differs from AWS's rules", f"{total.differences:,}", asked)


def main() -> int:
    """Ask so many queries and print the counts."""
    parser = argparse.ArgumentParser(prog="python -m bench.judge", description=__doc__)
    parser.add_argument("--queries", type=int, default=100_000, help="how many at least")
    parser.add_argument("--seconds", type=float, default=3600, help="how long at most")
    parser.add_argument("--seed", type=int, default=0, help="the first account's")
    parser.add_argument("--contexts", type=int, default=8, help="contexts of each request")
    options = parser.parse_args()
    start = time.perf_counter()
    total = Counts()
    try:
        for total in run(
            options.queries, options.seconds, options.seed, options.contexts, installed
        ):
            seconds = time.perf_counter() - start
            asked = total.queries.total()
            print(
                f"accounts {total.accounts:,}, queries {asked:,}, {asked / seconds:,.0f}/s, "
                f"differences {total.differences:,}, faults {total.faults:,}",
                file=sys.stderr,
                flush=True,
            )
    except NoJudgeError as error:
        print(error, file=sys.stderr)
        return 3
    print("\n".join(total.lines()))
    if total.faults or total.differences:
        return 1
    if total.queries.total() < options.queries:
        print(f"the time is up before all {options.queries:,} were asked", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
