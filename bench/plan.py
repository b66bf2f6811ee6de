"""Measure the planner: groups found against groups planted, seconds, memory."""

from __future__ import annotations

import argparse
import resource
import time

from bench.planted import Shape, planted
from straywatch.remediation.planning.plan import Options
from straywatch.remediation.planning.planner import make_plan

WIDTHS = (12, 6, 8, 6, 6, 6, 6)


def main() -> None:
    """Plan planted accounts and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=5_000)
    parser.add_argument("--roles", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    heads = ("roles a user", "noise", "planted", "found", "bound", "s", "MB")
    print(" ".join(f"{head:>{width}}" for head, width in zip(heads, WIDTHS, strict=True)))
    for most_roles, noise in ((1, 0.0), (3, 0.0), (5, 0.05), (10, 0.0)):
        shape = Shape(users=chosen.users, roles=chosen.roles, most_roles=most_roles, noise=noise)
        snapshot, used = planted(shape, chosen.seed)
        start = time.perf_counter()
        plan = make_plan(snapshot, Options())
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{most_roles:>12} {noise:>6} {used:>8} {len(plan.new_groups):>6} "
            f"{plan.at_least:>6} {seconds:>6.1f} {peak:>6.0f}"
        )


if __name__ == "__main__":
    main()
