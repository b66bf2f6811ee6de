"""The tools that are compared, each run as its users run it, and where they are installed."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / "build" / "bench-venv"
PATIENCE = 1800
"""Seconds after which a run is given up."""

CUSTODIAN = "c7n==0.9.53"
PROWLER = "prowler==5.46.0"
SERVER = "moto[server]==5.2.5"


@dataclass(frozen=True)
class Run:
    """How one run of a tool ended. `found` is None if it gave no answer."""

    found: int | None
    seconds: float
    exit_code: int
    said: str


@dataclass(frozen=True)
class Tool:
    """A tool, how to run it in a scratch folder, and up to how many users that is bearable."""

    name: str
    command: Callable[[Path], list[str]]
    count: Callable[[str, Path], int | None]
    largest: int

    def run(self, scratch: Path, environment: Mapping[str, str]) -> Run:
        """Run once; the time includes the start of the process."""
        command = self.command(scratch)
        begun = time.monotonic()
        try:
            ended = subprocess.run(
                command,
                cwd=ROOT,
                env=dict(environment),
                capture_output=True,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return Run(None, PATIENCE, -1, "given up")
        seconds = time.monotonic() - begun
        found = self.count(ended.stdout, scratch)
        return Run(found, seconds, ended.returncode, _last_word(ended.stderr))


def _last_word(said: str) -> str:
    """The last line that tells of an error, else the last."""
    lines = said.strip().splitlines()
    errors = [line for line in lines if "rror" in line]
    return next(reversed(errors or lines), "").strip()[:120]


def environment_with(name: str, requirement: str) -> Path | str:
    """Make, once, an environment that holds `requirement`; returns its Python, or why not."""
    folder = VENVS / name
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == requirement:
        return python
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    command = [str(python), "-m", "pip", "install", "--quiet", requirement]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        lines = ended.stderr.strip().splitlines()
        return f"{requirement} could not be installed: {lines[-1] if lines else 'no reason given'}"
    stamp.write_text(requirement)
    return python


def tools() -> tuple[list[Tool], list[str]]:
    """Every tool that could be installed, and a line for each that could not."""
    found = [
        Tool("straywatch audit", lambda _: _straywatch(), _count_json, 5000),
        Tool("straywatch audit --no-risk", lambda _: _straywatch("--no-risk"), _count_json, 5000),
        Tool(
            "plain ListUsers + ListGroupsForUser",
            lambda _: [sys.executable, "-m", "bench.plain_listing"],
            lambda out, _: int(out) if out.strip().isdecimal() else None,
            5000,
        ),
    ]
    absent = []
    custodian = environment_with("custodian", CUSTODIAN)
    if isinstance(custodian, Path):
        for label, policy in _POLICIES.items():
            found.append(_custodian(custodian, label, policy))
    else:
        absent.append(custodian)
    prowler = environment_with("prowler", PROWLER)
    if isinstance(prowler, Path):
        found.append(_prowler(prowler))
    else:
        absent.append(prowler)
    return found, absent


def _straywatch(*options: str) -> list[str]:
    return [sys.executable, "-m", "straywatch", "audit", "--format", "json", *options]


def _count_json(out: str, _: Path) -> int | None:
    return int(json.loads(out)["counts"]["strays"]) if out else None


_GROUP = "{type: group, key: GroupName, value: %s}"
_POLICIES = {"value: absent": _GROUP % "absent", "not: present": f"not: [{_GROUP % 'present'}]"}


def _custodian(python: Path, label: str, policy: str) -> Tool:
    def command(scratch: Path) -> list[str]:
        text = f"policies: [{{name: strays, resource: aws.iam-user, filters: [{policy}]}}]"
        (scratch / "policy.yml").write_text(text)
        run = [str(python.with_name("custodian")), "run", "-s", str(scratch / "out")]
        return [*run, "--region", "us-east-1", "--cache-period", "0", str(scratch / "policy.yml")]

    def count(_: str, scratch: Path) -> int | None:
        result = scratch / "out" / "strays" / "resources.json"
        return len(json.loads(result.read_text())) if result.exists() else None

    return Tool(f"Cloud Custodian 0.9.53, {label}", command, count, 5000)


def _prowler(python: Path) -> Tool:
    check = "iam_policy_attached_only_to_group_or_roles"

    def command(scratch: Path) -> list[str]:
        run = [str(python.with_name("prowler")), "aws", "--checks", check, "-b"]
        return [*run, "--region", "us-east-1", "-M", "csv", "-o", str(scratch), "-F", "prowler"]

    def count(_: str, scratch: Path) -> int | None:
        result = scratch / "prowler.csv"
        if not result.exists():
            return None
        with result.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter=";")
            return sum(1 for row in rows if row.get("STATUS") == "FAIL")

    return Tool("Prowler 5.46, its closest check", command, count, 250)
