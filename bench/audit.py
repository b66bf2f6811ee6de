"""`python -m bench.audit`: who finds which strays, in how many calls, how fast, under faults."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import peers, proxy_cost
from bench.counting_proxy import Fault
from bench.served import account
from bench.trials import Trial, once

RESULTS = peers.ROOT / "build" / "bench" / "audit.json"
FAULTY = 50  # users in the account on which faults are tried


def main() -> int:
    """Run the comparison and print it; the figures go to build/bench/audit.json, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 250, 1000, 5000])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each up to 1,000 users")
    parser.add_argument("--without", nargs="+", default=[], help="tools to leave out, by name")
    options = parser.parse_args()
    server = peers.environment_with("server", peers.SERVER)
    if isinstance(server, str):
        print(server, file=sys.stderr)
        return 3
    tools, absent = peers.tools()
    tools = [tool for tool in tools if not any(name in tool.name for name in options.without)]
    for line in absent:
        print(f"NOT COMPARED: {line}")
    rows = [
        row
        for size in options.sizes
        for row in measure(server, size, tools, options.repeat if size <= 1000 else 1)
    ]
    faults = list(under_faults(server, tools))
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"sizes": rows, "faults": faults, "absent": absent}, indent=2))
    return 0


def measure(
    server: Path, size: int, tools: list[peers.Tool], repeat: int
) -> Iterator[dict[str, Any]]:
    """Run every tool on an account of `size` users, in turns, and print a line for each.

    Each runs through the proxy, which counts, and straight to the server, for the time.
    """
    print(f"\n{size:,} users, {size // 2:,} in no group; median of {repeat} (slow: 1)")
    with account(server, size) as served:
        cost = proxy_cost.measure(served.straight, served.proxied, "user-00001")
        print(f"{cost}\nBefore: {_machine()}", flush=True)
        trials = [Trial(tool) for tool in tools if size <= tool.largest]
        for trial in trials * repeat:
            trial.run(served)
        print(f"After: {_machine()}\n")
        print("| tool | found | API calls | wall | through the proxy |\n|---|---|---|---|---|")
        for trial in trials:
            print(trial.line(), flush=True)
            yield {"users": size, "plain_call": asdict(cost), **trial.figures()}
        for tool in tools:
            if size > tool.largest:
                print(f"| {tool.name} | not run above {tool.largest:,} users | | | |", flush=True)


def under_faults(server: Path, tools: list[peers.Tool]) -> Iterator[dict[str, Any]]:
    """Run every tool while AWS misbehaves, and print what it answers and how it ends."""
    print(f"\n{FAULTY} users, {FAULTY // 2} in no group, faults\n")
    print("| fault | tool | found | exit | API calls | wall | its last line |")
    print("|---|---|---|---|---|---|---|")
    with account(server, FAULTY) as served:
        for fault in (Fault.THROTTLED, Fault.DENIED, Fault.BROKEN):
            for tool in tools:
                served.traffic.start(fault)
                run = once(tool, served.proxied)
                found = "no answer" if run.found is None else run.found
                figures = f"{run.exit_code} | {served.traffic.calls.total()} | {run.seconds:.1f} s"
                said = run.said.replace("|", "/")
                print(f"| {fault} | {tool.name} | {found} | {figures} | {said} |", flush=True)
                yield {"fault": fault, "tool": tool.name, **asdict(run)}


def _machine() -> str:
    """When, and how busy the machine was already."""
    load = os.getloadavg()[0]
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load:.1f}."


if __name__ == "__main__":
    sys.exit(main())
