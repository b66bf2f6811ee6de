"""Finds or gets the Chromium that drives the dashboard in tests and for screenshots."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
MISSING = "no usable Chromium on this machine"
FLAGS = (
    "--no-sandbox",  # which refuses to run as root; only pages of our own are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MANAGERS = {
    # Lists that cannot be renewed may still do. What waits for the network may be broken off, what
    # unpacks may not.
    "apt-get": """
        export DEBIAN_FRONTEND=noninteractive LC_ALL=C
        get="apt-get -qq -y --no-install-recommends -o DPkg::Lock::Timeout=60"
        timeout 120 $get update
        timeout 240 $get --download-only install chromium libatomic1 &&
            $get --no-download install chromium libatomic1
    """,
    "dnf": "LC_ALL=C timeout 300 dnf -q -y install chromium libatomic",
    "zypper": "LC_ALL=C timeout 300 zypper -n -q install chromium libatomic1",
    "pacman": "LC_ALL=C timeout 300 pacman -S --noconfirm --needed chromium",
}
"""What gets, as root, a Chromium from each package manager, and the library that Playwright's
driver needs. Alpine's is not among them: Playwright is not made for it, so .venv is not either."""
PLAYWRIGHT = (sys.executable, "-m", "playwright")
DOWNLOAD = (*PLAYWRIGHT, "install", "--no-shell", "chromium")
_START_SECONDS = 30
_DOWNLOAD_SECONDS = 240
_INSTALL_SECONDS = 900


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    passed: bool
    said: str


def bounded(command: Sequence[str], seconds: float) -> Ended:
    """Run a command that may ask nobody anything, with all it starts, for so long at most."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # no terminal to be asked on, and one group to end
            )
        except OSError as error:
            return Ended(passed=False, said=str(error))
        try:
            passed = process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return Ended(passed=False, said=f"gave up after {seconds:g} seconds")
        finally:
            _end(process)
        output.seek(0)
        return Ended(passed, output.read())


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started, if it still runs and is ours to end."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def playwrights_own() -> str:
    """Where Playwright puts the Chromium that it downloads, whether it is there or not."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


@dataclass(frozen=True)
class Machine:
    """What is asked of a machine, and by whom."""

    which: Callable[[str], str | None] = shutil.which
    run: Callable[[Sequence[str], float], Ended] = bounded
    own: Callable[[], str] = playwrights_own
    is_root: bool = os.geteuid() == 0


THIS = Machine()


def find(machine: Machine = THIS) -> str:
    """The path of the first Chromium that starts, or "" where none does or nothing can drive it."""
    if not machine.run([*PLAYWRIGHT, "--version"], _START_SECONDS).passed:
        return ""
    installed = (path for name in NAMES if (path := machine.which(name)))
    return next((path for path in installed if _starts(machine, path)), "") or _own(machine)


def obtain(say: Callable[[str], None], machine: Machine = THIS) -> str:
    """Get a Chromium if there is none; returns "" or, in one line, why there is still none.

    The package manager is asked where that takes no password, then Playwright's own download.
    """
    if find(machine):
        return ""
    complaints = []
    for get in (_install, _download):
        complaint = get(say, machine)
        if find(machine):
            return ""
        complaints.append(complaint)
    return f"{MISSING}, and none to be had ({'; '.join(complaints)})"


def _own(machine: Machine) -> str:
    path = machine.own()
    return path if machine.which(path) and _starts(machine, path) else ""


def _starts(machine: Machine, path: str) -> bool:
    """Tell whether it runs: some are a note that it comes as a snap, some lack libraries."""
    return machine.run([path, "--version"], _START_SECONDS).passed


def _install(say: Callable[[str], None], machine: Machine) -> str:
    manager = next((name for name in MANAGERS if machine.which(name)), "")
    if not manager:
        return "no package manager that is known here"
    command = ["sh", "-c", MANAGERS[manager]]
    if not machine.is_root:
        if not (machine.which("sudo") and machine.run(["sudo", "-n", "true"], 10).passed):
            return f"{manager} wants root, or sudo without a password"
        command = ["sudo", "-n", *command]
    say(f"{MISSING}: getting one with {manager} (once)")
    return f"{manager}: {_complaint(machine.run(command, _INSTALL_SECONDS))}"


def _download(say: Callable[[str], None], machine: Machine) -> str:
    say(f"{MISSING}: downloading Playwright's (once)")
    ended = machine.run(DOWNLOAD, _DOWNLOAD_SECONDS)
    if ended.passed:  # then it lies there, and does not start
        ended = machine.run([machine.own(), "--version"], _START_SECONDS)
    return f"Playwright's: {_complaint(ended)}"


def _complaint(ended: Ended) -> str:
    """The line that says what went wrong: the first that calls itself an error, or the last."""
    lines = [line.strip() for line in ended.said.splitlines() if line.strip()]
    errors = (line for line in lines if line.lower().startswith(("e:", "error:")))
    return next(errors, lines[-1] if lines else "ended without a word")[:200]
