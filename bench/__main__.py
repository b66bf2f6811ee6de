"""`make bench`: every figure in one table."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from bench import cold_import, journeys
from bench.figures import Figure, show
from bench.judge.__main__ import measure as judged
from straywatch.deploy.packaging import SOURCES, Package, build


def sizes(package: Package) -> Iterator[Figure]:
    """Tell how much is uploaded."""
    kilobytes = package.archive.stat().st_size / 1000
    yield Figure("zip size", f"{kilobytes:.0f} KB", "under 1,500 KB")
    kilobytes = package.template.stat().st_size / 1000
    yield Figure("template size", f"{kilobytes:.0f} KB", "under 1,000 KB, CloudFormation's limit")


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=11, help="runs of each cold import")
    parser.add_argument("--alerts", type=int, default=7, help="alerts whose delay is measured")
    options = parser.parse_args()
    progress = Console(stderr=True)
    with tempfile.TemporaryDirectory(prefix="straywatch-bench-") as folder:
        package = build(SOURCES, Path(folder))
        figures = list(sizes(package))
        for told in (
            cold_import.measure(package, options.runs),
            journeys.measure(package, options.alerts),
            judged(),
        ):
            for figure in told:
                progress.print(f"measured: {figure.what}", style="dim")
                figures.append(figure)
    show(figures, Console(width=None if sys.stdout.isatty() else 200))


if __name__ == "__main__":
    main()
