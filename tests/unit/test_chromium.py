"""Where the browser tests get their Chromium from, and what is said where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from scripts.chromium import Ended, Machine, bounded, find, obtain

OWN = "/cache/chrome"


@dataclass
class Computer:
    """A machine with these programs, on which some commands fail and others bring a program."""

    programs: set[str]
    failing: dict[str, str] = field(default_factory=dict)
    bringing: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def which(self, name: str) -> str | None:
        """The programs lie where their names say."""
        return name if name in self.programs else None

    def run(self, command: Sequence[str], seconds: float) -> Ended:
        """Fail, or succeed and be there from now on."""
        assert seconds > 0
        line = " ".join(command)
        self.asked.append(line)
        for part, said in self.failing.items():
            if part in line:
                return Ended(passed=False, said=said)
        self.programs |= {program for part, program in self.bringing.items() if part in line}
        return Ended(passed=True, said="")

    def machine(self, *, is_root: bool = False) -> Machine:
        """It, as root or an ordinary user sees it."""
        return Machine(self.which, self.run, lambda: OWN, is_root)

    def obtain(self, *, is_root: bool = False) -> str:
        """Get a Chromium on it."""
        return obtain(self.said.append, self.machine(is_root=is_root))

    def ran(self, part: str) -> bool:
        """Whether a command with this in it was run."""
        return any(part in line for line in self.asked)


def test_what_is_there_is_taken() -> None:
    """The machine's own Chromium comes before Playwright's, and nothing is installed or said."""
    computer = Computer({"google-chrome", OWN, "apt-get"})
    assert computer.obtain(is_root=True) == ""
    assert find(computer.machine()) == "google-chrome"
    assert (computer.said, computer.ran("install")) == ([], False)


def test_one_that_does_not_start_is_none() -> None:
    """Ubuntu's chromium-browser only says that it comes as a snap: the next one is taken."""
    snap = {"chromium-browser --version": "install the snap"}
    assert find(Computer({"chromium-browser", "google-chrome"}, snap).machine()) == "google-chrome"
    assert find(Computer({"chromium-browser", OWN}, snap).machine()) == OWN
    assert find(Computer({"chromium-browser"}, snap).machine()) == ""


def test_one_that_cannot_be_driven_is_none() -> None:
    """Playwright's driver lacks a library on a bare machine: it comes with the browser."""
    lacking = {"playwright": "node: no libatomic.so.1"}
    computer = Computer({"chromium", "apt-get"}, lacking)
    assert find(computer.machine()) == ""
    assert computer.obtain().endswith("Playwright's: node: no libatomic.so.1)")


@pytest.mark.parametrize("manager", ["apt-get", "dnf", "zypper", "pacman"])
def test_root_gets_it_from_the_package_manager(manager: str) -> None:
    """Nothing is downloaded past the package manager, and one line says what goes on."""
    computer = Computer({manager}, bringing={manager: "chromium"})
    assert computer.obtain(is_root=True) == ""
    assert computer.said == [
        f"no usable Chromium on this machine: getting one with {manager} (once)"
    ]
    assert not computer.ran("playwright install")


def test_sudo_is_used_where_it_asks_for_no_password() -> None:
    """An ordinary user who may do so gets the package too."""
    computer = Computer({"apt-get", "sudo"}, bringing={"sudo -n sh": "chromium"})
    assert computer.obtain() == ""
    assert not computer.ran("playwright install")


@pytest.mark.parametrize("programs", [{"apt-get"}, {"apt-get", "sudo"}])
def test_nobody_is_asked_for_a_password(programs: set[str]) -> None:
    """Without sudo, or with one that wants a password, Playwright's download is taken."""
    computer = Computer(
        set(programs), {"sudo -n true": "a password is required"}, {"playwright install": OWN}
    )
    assert computer.obtain() == ""
    assert find(computer.machine()) == OWN
    assert not computer.ran("apt-get")


@pytest.mark.parametrize(
    ("programs", "failing", "why"),
    [
        (
            {"apt-get"},
            {
                "apt-get": "Reading\nE: Unable to locate package\nbye\n",
                "install --no": "Error: no net",
            },
            "apt-get: E: Unable to locate package; Playwright's: Error: no net",
        ),
        (
            set(),
            {"install --no": ""},
            "no package manager that is known here; Playwright's: ended without a word",
        ),
        (
            {"apt-get", OWN},
            {"apt-get": "", OWN: "chrome: no libnss3.so\n"},
            "apt-get: ended without a word; Playwright's: chrome: no libnss3.so",
        ),
    ],
)
def test_where_none_is_to_be_had_one_line_says_why(
    programs: set[str], failing: dict[str, str], why: str
) -> None:
    """Each way that was tried is named with its own word of complaint."""
    computer = Computer(set(programs), failing)
    assert (
        computer.obtain(is_root=True)
        == f"no usable Chromium on this machine, and none to be had ({why})"
    )


def test_a_command_is_given_up_with_all_that_it_started() -> None:
    """A download that hangs holds nobody up, also where a process of its own does the work."""
    begun = time.monotonic()
    ended = bounded(["sh", "-c", "sleep 60 & sleep 60"], 0.2)
    assert ended == Ended(passed=False, said="gave up after 0.2 seconds")
    assert time.monotonic() - begun < 30


def test_what_a_command_says_is_kept() -> None:
    """Both streams, whatever bytes they hold, and the word of one that cannot be started."""
    code = "import os; os.write(1, b'out \\xff'); os.write(2, b' err'); raise SystemExit(3)"
    assert bounded([sys.executable, "-c", code], 60) == Ended(passed=False, said="out \ufffd err")
    assert not bounded(["/nowhere/chrome"], 60).passed
