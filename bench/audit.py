"""`python -m bench.audit`: who finds which strays, in how many calls, how fast, under faults."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench import peers
from bench.counting_proxy import Fault, Traffic, counting

RESULTS = peers.ROOT / "build" / "bench" / "audit.json"
SLOW = 30  # seconds; what takes longer is run once
FAULTY = 50  # users in the account on which faults are tried


def main() -> int:
    """Run the comparison and print it; the figures go to build/bench/audit.json, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 250, 1000, 5000])
    parser.add_argument("--repeat", type=int, default=3, help="runs of each up to 1,000 users")
    options = parser.parse_args()
    server = peers.environment_with("server", peers.SERVER)
    if isinstance(server, str):
        print(server, file=sys.stderr)
        return 3
    tools, absent = peers.tools()
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
    """Run every tool on an account of `size` users and print a line for each."""
    print(f"\n{size:,} users, {size // 2:,} in no group; median of {repeat} (slow: 1)\n")
    print("| tool | found | API calls | wall |\n|---|---|---|---|")
    with account(server, size) as (endpoint, traffic):
        for tool in tools:
            if size > tool.largest:
                print(f"| {tool.name} | not run above {tool.largest:,} users | | |", flush=True)
                continue
            runs: list[peers.Run] = []
            while len(runs) < repeat and all(run.seconds < SLOW for run in runs):
                traffic.start()
                runs.append(once(tool, endpoint))
            seconds = median(run.seconds for run in runs)
            calls = traffic.calls.total()
            print(f"| {tool.name} | {runs[-1].found} | {calls:,} | {seconds:.1f} s |", flush=True)
            yield {
                "tool": tool.name,
                "users": size,
                "runs": [asdict(run) for run in runs],
                "calls": dict(traffic.calls),
            }


def under_faults(server: Path, tools: list[peers.Tool]) -> Iterator[dict[str, Any]]:
    """Run every tool while AWS misbehaves, and print what it answers and how it ends."""
    print(f"\n{FAULTY} users, {FAULTY // 2} in no group, faults\n")
    print("| fault | tool | found | exit | API calls | wall | its last line |")
    print("|---|---|---|---|---|---|---|")
    with account(server, FAULTY) as (endpoint, traffic):
        for fault in (Fault.THROTTLED, Fault.DENIED, Fault.BROKEN):
            for tool in tools:
                traffic.start(fault)
                run = once(tool, endpoint)
                found = "no answer" if run.found is None else run.found
                figures = f"{run.exit_code} | {traffic.calls.total()} | {run.seconds:.1f} s"
                said = run.said.replace("|", "/")
                print(f"| {fault} | {tool.name} | {found} | {figures} | {said} |", flush=True)
                yield {"fault": fault, "tool": tool.name, **asdict(run)}


def once(tool: peers.Tool, endpoint: str) -> peers.Run:
    """Run a tool against `endpoint`, without any credentials of this machine."""
    with tempfile.TemporaryDirectory(prefix="straywatch-bench-") as scratch:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return tool.run(Path(scratch), environment)


@contextmanager
def account(server: Path, size: int) -> Iterator[tuple[str, Traffic]]:
    """Serve an account of `size` users behind the counting proxy."""
    port = _free_port()
    command = [str(server), "-m", "bench.moto_account", str(port), str(size)]
    traffic = Traffic()
    with subprocess.Popen(command, cwd=peers.ROOT, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(port)
            with counting(port, traffic) as endpoint:
                yield endpoint, traffic
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError("the moto server does not come up")


if __name__ == "__main__":
    sys.exit(main())
