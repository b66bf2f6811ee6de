"""Plays random histories against the monitor: `python -m tests.simulation 1000 --seed 0`.

History number n of a campaign that begins at seed S is that of seed S + n, so `1 --seed 4711
--show` plays history 4711 again, whatever campaign it came from. Without a seed it begins at one
of its own choice, and says which. Exit code 1 means that a promise was broken: the failing seeds
and the shrunk histories of the first are printed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

import click

from tests.simulation.campaign import Tally, a_seed, campaign, shrunk_story
from tests.simulation.witness import witness

_EVERY_SECONDS = 1.0
_MOST_TOLD = 20
"""Failing seeds that the summary names; each is told of as it comes in, too."""


@click.command(help=__doc__)
@click.argument("histories", type=click.IntRange(min=1), default=1000)
@click.option("--seed", type=click.IntRange(min=0), help="The first; any, unless it is given.")
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="Processes.")
@click.option("--stories", type=click.IntRange(min=0), default=3, help="Failures to tell in full.")
@click.option("--show", is_flag=True, help="Tell the first history in full, broken or not.")
def main(histories: int, seed: int | None, jobs: int, stories: int, *, show: bool) -> None:
    """Play, count, tell."""
    started = time.monotonic()
    seed = a_seed() if seed is None else seed
    click.echo(f"seeds       {seed} to {seed + histories - 1}")
    total, told_at = Tally(), started
    for played in campaign(range(seed, seed + histories), min(jobs, histories)):
        total.add(played)
        for broken in played.broken:
            click.echo(f"seed {broken}: {played.broken[broken][0]}")
        if time.monotonic() - told_at >= _EVERY_SECONDS:
            told_at = time.monotonic()
            _progress(total, histories, told_at - started)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    _summary(total, time.monotonic() - started)
    if show:
        click.echo(f"\nseed {seed}\n{shrunk_story(seed)}")
    for broken in sorted(total.broken)[: 0 if show else stories]:
        click.echo(f"\nseed {broken}, shrunk; again with: make simulate N=1 SEED={broken}")
        click.echo(shrunk_story(broken))
    sys.exit(1 if total.broken else 0)


def _progress(total: Tally, histories: int, seconds: float) -> None:
    rate = total.histories / seconds
    left = (histories - total.histories) / rate
    line = (
        f"{total.histories}/{histories} histories, {rate:.0f} a second, {left:.0f} s to go,"
        f" {len(total.broken)} broken"
    )
    if sys.stderr.isatty():
        click.echo(f"\r\033[K{line}", nl=False, err=True)
    else:
        click.echo(line, err=True)


def _summary(total: Tally, seconds: float) -> None:
    click.echo(f"histories   {total.histories} in {seconds:.1f} s")
    click.echo(f"steps       {total.steps} calls to AWS")
    for title, counts in (("alerts", total.alerts), ("faults", total.faults)):
        click.echo(f"{title:<11} {sum(counts.values())}")
        _counts(counts)
    click.echo(f"situations  {len(total.situations)}, and in how many histories")
    _counts(total.situations)
    _decisions(total)
    click.echo(f"violations  {len(total.broken)} histories")
    for promise, count in sorted(total.promises.items()):
        click.echo(f"  {count:>8}  promise {promise}")
    for seed, broken in sorted(total.broken.items())[:_MOST_TOLD]:
        click.echo(f"  SEED={seed}: {broken[0]}")


def _counts(counts: Mapping[str, int]) -> None:
    for name, count in sorted(counts.items()):
        click.echo(f"  {count:>8}  {name}")


def _decisions(total: Tally) -> None:
    """Every row of the decision, and how often each kind of look came to it."""
    rows = witness().rows
    reached = {row for row, _ in total.decisions}
    origins = sorted({origin for _, origin in total.decisions})
    click.echo(f"decisions   {len(reached)} of {len(rows)} rows were reached")
    click.echo(f"  {'':<16}" + "".join(f"{origin:>10}" for origin in origins))
    for row in rows:
        counts = "".join(f"{total.decisions[row, origin]:>10}" for origin in origins)
        click.echo(f"  {row:<16}{counts}" + ("" if row in reached else "  never reached"))


if __name__ == "__main__":
    main()
