"""The judge from npm: `@cloud-copilot/iam-simulate`, installed into build/ and asked in bulk.

It is under the AGPL: it is neither shipped nor copied into this repository, and no product code
knows it. The driver beside this file is one process of Node. It reads a question a line:

    {"id": 1, "principal": ARN, "account": "123456789012", "policies": [DOCUMENT…],
     "boundary": [DOCUMENT…] or null, "requests": [[ACTION, RESOURCE, {KEY: VALUE or [VALUE…]}]…]}

and answers each by one line, in the order of the requests:

    {"id": 1, "answers": ["Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied" | "error: WHY"…]}
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

from straywatch.errors import StraywatchError

PACKAGE = "@cloud-copilot/iam-simulate"
VERSION = "0.1.173"
DRIVER = Path(__file__).with_name("driver.mjs")
FOLDER = Path(__file__).parents[2] / "build" / "judge"

Which = Callable[[str], str | None]


class NoJudgeError(StraywatchError):
    """Node, npm or the package is not to be had here."""


def installed(folder: Path = FOLDER, which: Which = shutil.which) -> list[str]:
    """The command that starts the driver, after npm installed the package where it is not yet.

    Raises NoJudgeError where there is no Node or no npm, or where npm fails.
    """
    node, npm = which("node"), which("npm")
    if node is None or npm is None:
        raise NoJudgeError("the judge from npm needs Node.js and npm, which are not installed here")
    if _version(folder) != VERSION:
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [f"{PACKAGE}@{VERSION}", "--prefix", str(folder)]
        command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoJudgeError(f"npm cannot install {PACKAGE}: {_last_line(done.stderr)}")
    return [node, str(DRIVER), str(folder)]


def _version(folder: Path) -> str:
    told = folder / "node_modules" / PACKAGE / "package.json"
    return str(json.loads(told.read_text())["version"]) if told.exists() else ""


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it did not say why"])[-1]


class Driver:
    """One process that answers questions; used as a context, so that it ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._asked = 0

    def ask(self, question: dict[str, Any]) -> list[str]:
        """The answers to a question's requests. Raises StraywatchError unless all are answered."""
        self._asked += 1
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise StraywatchError("the judge has no pipes")
        try:
            stdin.write(json.dumps({"id": self._asked, **question}) + "\n")
            stdin.flush()
        except BrokenPipeError:
            raise StraywatchError("the judge ended before it was asked") from None
        line = stdout.readline()
        told = json.loads(line) if line else {}
        answers: list[str] = told.get("answers", [])
        if told.get("id") != self._asked or len(answers) != len(question["requests"]):
            raise StraywatchError(f"the judge did not answer question {self._asked}")
        return answers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()
