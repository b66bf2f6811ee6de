"""A tool tried on one account: how often, how fast, and with how many calls."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench import peers
from bench.served import Served

SLOW = 30  # seconds; what takes longer is run once


@dataclass
class Trial:
    """A tool's runs on one account, straight to the server and through the proxy, and its calls."""

    tool: peers.Tool
    straight: list[peers.Run] = field(default_factory=list)
    proxied: list[peers.Run] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def run(self, served: Served) -> None:
        """Run both ways, unless that has been seen to be slow."""
        if any(run.seconds > SLOW for run in self.straight):
            return
        served.traffic.start()
        self.proxied.append(once(self.tool, served.proxied))
        self.calls = served.traffic.calls
        self.straight.append(once(self.tool, served.straight))

    def line(self) -> str:
        """A row of the table that is printed."""
        found = self.straight[-1].found
        walls = f"{_wall(self.straight)} | {_wall(self.proxied)}"
        return f"| {self.tool.name} | {found} | {self.calls.total():,} | {walls} |"

    def figures(self) -> dict[str, Any]:
        """All that was measured."""
        return {
            "tool": self.tool.name,
            "runs": [asdict(run) for run in self.straight],
            "proxied": [asdict(run) for run in self.proxied],
            "calls": dict(self.calls),
        }


def once(tool: peers.Tool, endpoint: str) -> peers.Run:
    """Run a tool against `endpoint`, without any credentials of this machine."""
    with tempfile.TemporaryDirectory(prefix="straywatch-bench-") as scratch:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": scratch,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",  # nosec B105  # no password
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return tool.run(Path(scratch), environment)


def _wall(runs: list[peers.Run]) -> str:
    return f"{median(run.seconds for run in runs):.1f} s"
