"""Runs every check, and on request every test beside them; ends with one line that sums it up."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scripts import chromium

ROOT = Path(__file__).resolve().parent.parent
_BIN = Path(sys.executable).parent
_DEPLOYED = ("app.py", "chalicelib")  # ruff asks the same of all, and takes no five seconds for it
_CLOSING = re.compile(
    r"=*\s*(.*\b(?:passed|failed|error|errors|no tests ran)\b.* in [\d.]+s.*?)\s*=*"
)


@dataclass(frozen=True)
class Check:
    """A named command that passes if it exits 0."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """How a check ended, and what it said."""

    name: str
    passed: bool
    seconds: float
    said: str


def checks(scratch: str) -> tuple[Check, ...]:
    """List the checks, quick ones first."""
    python = sys.executable
    return (
        Check("format", (str(_BIN / "ruff"), "format", "--check", ".")),
        Check("lint", (str(_BIN / "ruff"), "check", ".")),
        Check("imports", (str(_BIN / "lint-imports"),)),
        Check("template", (python, "-m", "straywatch", "package", "--out", scratch)),
        Check("workflows", (str(_BIN / "zizmor"), "--offline", "--quiet", ".github")),
        Check("unsafe", (str(_BIN / "bandit"), "-q", "-c", "pyproject.toml", "-r", *_DEPLOYED)),
        Check("types", (str(_BIN / "mypy"),)),
    )


def run(check: Check) -> Result:
    """Run one check and keep what it says."""
    begun = time.monotonic()
    ended = subprocess.run(
        check.command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",  # some tools write UTF-8 whatever the locale
        check=False,
    )
    return Result(check.name, ended.returncode == 0, time.monotonic() - begun, ended.stdout)


def run_tests(arguments: Sequence[str]) -> Result:
    """Run pytest on every core, passing its words on as they come."""
    begun = time.monotonic()
    # one worker more than cores: tests on the embedded AWS wait for graces to end
    many = (
        "-n",
        str((os.cpu_count() or 1) + 1),
        "--dist",
        "loadfile",
        "--no-loadscope-reorder",
        "--color",
        "no",
        "--durations",
        "10",
    )
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *many, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="backslashreplace",
    ) as tests:
        said = ""
        for line in tests.stdout or ():
            sys.stdout.write(line)
            sys.stdout.flush()
            said += line
    return Result("tests", tests.returncode == 0, time.monotonic() - begun, said)


def closing_line(said: str) -> str:
    """Return pytest's own last word, such as `412 passed in 93.21s`."""
    for line in reversed(said.splitlines()):
        match = _CLOSING.fullmatch(line.strip())
        if match:
            return match[1]
    return "pytest did not finish"


def show(results: Sequence[Result]) -> None:
    """Print each check on a line; what a failed one said follows it."""
    for result in results:
        word = "ok" if result.passed else "FAILED"
        print(f"{result.name:<10}{word:<8}{result.seconds:5.1f} s")
        if not result.passed:
            print(result.said)


def summary(results: Sequence[Result], tests: Result | None, no_browser: str = "") -> str:
    """Say in one line what passed, what did not, and why the browser tests were left out if so."""
    failed = [result.name for result in results if not result.passed]
    said = f"checks: {len(results) - len(failed)} of {len(results)} passed"
    if failed:
        said += f" (FAILED: {', '.join(failed)})"
    if not tests:
        return said
    unseen = f"; BROWSER TESTS NOT RUN: {no_browser}" if no_browser else ""
    return f"{said}; tests: {closing_line(tests.said)}{unseen}"


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    """Run what was asked for; return 0 only if all of it passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--with-tests", action="store_true", help="run pytest beside the checks")
    options, arguments = parser.parse_known_args()
    with (
        tempfile.TemporaryDirectory(prefix="straywatch-") as scratch,
        ThreadPoolExecutor(max_workers=1) as pool,
    ):
        pending: list[Future[Result]] = [pool.submit(run, each) for each in checks(scratch)]
        no_browser = chromium.obtain(_say) if options.with_tests else ""
        tests = run_tests(arguments) if options.with_tests else None
        results = [future.result() for future in pending]
    show(results)
    print(summary(results, tests, no_browser))
    everything = [*results, tests] if tests else results
    return 0 if all(result.passed for result in everything) else 1


if __name__ == "__main__":
    sys.exit(main())
