"""`python -m bench.mutation`: plant faults in domain, flows and channels, and name those that live.

Exit code 1 if a test fails without any fault.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

import pytest
from hypothesis import Phase, settings

from bench.mutation.campaign import ROOT, Campaign

ROOMS_TESTED = re.compile(r"^from chalicelib\.(domain|flows|channels|bootstrap)", re.MULTILINE)
SLOW = ("audit", "browser", "dashboard", "deploy", "doctor", "e2e", "plan", "remediation", "report")
"""What these test is not in the rooms that are tried."""


def tests() -> list[str]:
    """The test modules that are about the rooms that are tried, or lead into them."""
    found = (
        path for part in ("unit", "adapters") for path in (ROOT / "tests" / part).rglob("*.py")
    )
    return sorted(
        str(path)
        for path in found
        if path.name.startswith("test_")
        and not any(word in str(path.relative_to(ROOT)) for word in SLOW)
        and ROOMS_TESTED.search(path.read_text())
    )


def run(share: float, seed: int, only: str = "", chosen: Sequence[str] = ()) -> Campaign:
    """Run a campaign in this process."""
    # a failing example is enough: to find the smallest one takes minutes
    phases = (Phase.explicit, Phase.generate)
    settings.register_profile(
        "campaign", phases=phases, database=None, deadline=None, derandomize=True
    )
    campaign = Campaign(share, seed, only)
    without = ["cacheprovider", "xdist", "warnings"]
    options = ["-q", "--hypothesis-profile=campaign", *(f"-pno:{each}" for each in without)]
    pytest.main([*options, *(chosen or tests())], plugins=[campaign])
    return campaign


def main() -> int:
    """Run a campaign and tell its score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tests", nargs="*", help="test modules to run instead of all")
    parser.add_argument("--share", type=float, default=1.0, help="which share of all faults to try")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--only", default="", help="a part of the paths to try")
    options = parser.parse_args()
    campaign = run(options.share, options.seed, options.only, options.tests)
    for name in campaign.broken:
        print(f"fails without a fault: {name}")
    caught = sum(each.caught for each in campaign.results)
    tried = len(campaign.results)
    print(f"caught {caught} of {tried} faults: {caught / max(1, tried):.1%}")
    return 1 if campaign.broken else 0


if __name__ == "__main__":
    sys.exit(main())
