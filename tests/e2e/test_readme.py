"""The README to the letter: all its commands, in a folder of their own, on the embedded AWS."""

from __future__ import annotations

import gzip
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from straywatch.local.emulator.process import LocalAws
from tests.unit.trail import at, created

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PATIENCE_SECONDS = 120

SERVES = "straywatch watch"
"""Goes on until Ctrl-C, which ends it with 0."""

ELSEWHERE = {
    "pipx install .": "tests/e2e/test_wheel.py",
    "pipx install --force '.[local]'": "tests/e2e/test_wheel.py",
    "straywatch dashboard": "tests/e2e/test_seeing.py",  # on its own port, which may be taken
    "straywatch deploy": "tests/e2e/test_deploy.py",
    "straywatch deploy --parameter ReminderHours=12": "tests/e2e/test_deploy.py",
    "straywatch local": "tests/e2e/test_local_command.py",
    "straywatch deploy --stage test --email you@example.com": "tests/e2e/test_deploy.py",
    "straywatch replay --from-account": "tests/adapters/test_replay_lookup.py",  # no CloudTrail
    "straywatch undo plan.yaml.journal": "tests/e2e/test_remediation.py",  # needs an apply --yes
}
"""Commands that another test runs, as they take long or need what is not here."""


def test_what_is_left_out_is_tested_there() -> None:
    """No command of the README is without a test."""
    assert all((ROOT / path).is_file() for path in ELSEWHERE.values())


FIRST, LAST = "straywatch deploy --email you@example.com", "straywatch destroy"
FOUND = 1
"""The exit code of a command that found what it looked for: strays, problems, something to do."""

UNWATCHED = 3
"""That of a report whose period began before the monitor did, as the README's does here."""


def commands(page: str) -> list[str]:
    """Each command of a page once, in its order: lines of `sh`, and `straywatch ...` in text."""
    found: list[str] = []
    blocks = re.split(r"^```(\w*)\n(.*?)^```$", page, flags=re.MULTILINE | re.DOTALL)
    for text, language, block in zip(
        blocks[::3], [*blocks[1::3], ""], [*blocks[2::3], ""], strict=True
    ):
        spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text))
        found += [span for span in spans if re.match(r"straywatch \S|make \w+|eval ", span)]
        if language == "sh":
            found += [line.partition("  #")[0].strip() for line in block.splitlines() if line]
    return list(dict.fromkeys(found))


def bad_days() -> list[str]:
    """What the runbook says to type on them, but for the removal: the README has it."""
    page = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    typed = [line for block in blocks for line in block.splitlines()]
    return [line for line in typed if not line.startswith("straywatch destroy")]


def folder_of_a_reader(folder: Path) -> None:
    """What the README takes for given: its own exemptions, and a log."""
    (document,) = re.findall(r"^```json\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (folder / "exemptions.json").write_text(document, encoding="utf-8")
    (folder / "logs").mkdir()
    log = json.dumps({"Records": [created(at(), "frank")]}).encode()
    (folder / "logs" / "trail.json.gz").write_bytes(gzip.compress(log))


def run(command: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Run a command as it is typed, by somebody who says yes; what went wrong, or nothing."""
    if command.startswith("make "):
        command, folder = f"make --dry-run {command.removeprefix('make ')}", ROOT
    begun, (ours, theirs) = time.monotonic(), pty.openpty()
    os.write(ours, b"y\n")
    with subprocess.Popen(
        ["bash", "-c", command],
        cwd=folder,
        env=dict(environment),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        if command == SERVES:
            assert process.stdout
            select.select([process.stdout], [], [], PATIENCE_SECONDS)  # something has happened
            os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    os.close(ours)
    os.close(theirs)
    sys.stdout.write(f"{time.monotonic() - begun:5.1f} s  {process.returncode}  {command}\n")
    fine = (0, FOUND, UNWATCHED) if command.startswith("straywatch report") else (0, FOUND)
    return "" if process.returncode in fine else f"{command}: {process.returncode}: {err or out}"


def without_grace(aws: LocalAws) -> None:
    """Nobody waits a quarter of an hour here for the first finding."""
    stacks = aws.session().client("cloudformation")
    grace = {"ParameterKey": "GracePeriodSeconds", "ParameterValue": "0"}
    stacks.update_stack(
        StackName="straywatch",
        UsePreviousTemplate=True,
        Parameters=[grace, {"ParameterKey": "AlertEmail", "UsePreviousValue": True}],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    stacks.get_waiter("stack_update_complete").wait(StackName="straywatch")


def test_every_command_works(aws: LocalAws, tmp_path: Path) -> None:
    """In the order of the page, between deploy and destroy; `make` is asked what it would do."""
    folder_of_a_reader(tmp_path)
    told = commands(README)
    assert {FIRST, LAST, *ELSEWHERE} <= set(told)
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_EC2_METADATA_DISABLED": "true",
        **aws.environment(),
    }
    exported = " ".join(each for each in told if each.startswith("export "))
    assert all(f"{name}=" in exported for name in aws.environment())
    failures = [run(FIRST, tmp_path, environment)]
    without_grace(aws)
    left_out = {FIRST, LAST, *ELSEWHERE}
    here = told.index("straywatch findings show frank") + 1  # while frank is still a stray
    told[here:here] = [each for each in bad_days() if each not in told]
    chosen = [each for each in told if each not in left_out and not each.startswith("export ")]
    failures += [run(command, tmp_path, environment) for command in (*chosen, LAST)]
    aws.session().client("iam").delete_user(UserName="frank")
    assert [each for each in failures if each] == []


def test_no_placeholder_is_left_to_be_guessed() -> None:
    """A command can be pasted as it stands, but for one's own address."""
    for command in commands(README):
        assert not re.search(r"\b(?:FILE|ID|USER|NAME|VALUE)\b|\[--", command), command
