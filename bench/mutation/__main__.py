"""`python -m bench.mutation`: plant faults in domain, flows and channels, and name those that live.

Faults that may live are explained in explained.toml. Stopped by SIGINT or SIGTERM, it tells the
score of what it has tried. Exit code 1 if a test fails without any fault, or it was stopped.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from bench.mutation.campaign import Campaign
from bench.mutation.choosing import choose

EXPLAINED = Path(__file__).with_name("explained.toml")


def run(share: float, seed: int, only: str = "", chosen: Sequence[str] = ()) -> Campaign:
    """Run a campaign in this process."""
    # a failing example is enough: to find the smallest one takes minutes
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(
        "campaign", phases=phases, database=None, deadline=None, derandomize=True
    )
    campaign = Campaign(share, seed, only, tomllib.loads(EXPLAINED.read_text(encoding="utf-8")))
    without = ["cacheprovider", "xdist", "warnings"]
    options = ["-q", "--hypothesis-profile=campaign", *(f"-pno:{each}" for each in without)]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    ended = pytest.main([*options, *(chosen or choose(campaign.modules()))], plugins=[campaign])
    campaign.is_stopped = ended == pytest.ExitCode.INTERRUPTED
    return campaign


def main() -> int:
    """Run a campaign and tell its score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", help="test modules to run instead of all")
    parser.add_argument("--share", type=float, default=1.0, help="which share of all faults to try")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--only", default="", help="parts of the paths to try: A,B")
    options = parser.parse_args()
    campaign = run(options.share, options.seed, options.only, options.tests)
    for name in campaign.broken:
        print(f"fails without a fault: {name}")
    for path in sorted({each.path for each in campaign.results}):
        print(f"{path}: {campaign.score(path)}")
    print(f"all: {campaign.score()}")
    if campaign.is_stopped:
        print("stopped before all were tried")
    return 1 if campaign.broken or campaign.is_stopped else 0


if __name__ == "__main__":
    sys.exit(main())
