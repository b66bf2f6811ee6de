"""Cold imports: what each function costs over its floor before it can do anything.

The floor is what no function of this kind can do without: a fresh interpreter, boto3, Chalice and
the clients that the function uses. Floor and function run in turns, so that a change of load hits
both alike. Two ways: as Lambda meets the package first (unpacked and read-only, so without
byte-code), and with byte-code, as any later start on a machine that keeps it.
"""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure
from bench.late_imports import late_imports
from straywatch.deploy.packaging import SOURCES, Package

AIM = 1.15
_CLIENTS = frozenset({"dynamodb", "iam", "secretsmanager", "securityhub", "sns", "sqs", "ssm"})


@dataclass(frozen=True)
class Function:
    """A deployed function, the clients that it uses and the modules that it imports late."""

    name: str
    services: tuple[str, ...]
    late: tuple[str, ...]

    @property
    def floor(self) -> str:
        """The code that it cannot do without."""
        return f"import boto3, chalice.app\n[boto3.client(name) for name in {self.services}]"

    @property
    def whole(self) -> str:
        """The code that it does run."""
        imports = ", ".join(("app", *self.late))
        return f"import {imports}, boto3\n[boto3.client(name) for name in {self.services}]"


def functions() -> tuple[Function, ...]:
    """Read the functions and the services that they use from their policy files."""
    late = late_imports(SOURCES)
    return tuple(
        Function(name, _services(path), late[name])
        for path in sorted((SOURCES / ".chalice").glob("policy-*.json"))
        for name in [path.stem.removeprefix("policy-")]
    )


def measure(package: Package, runs: int) -> Iterator[Figure]:
    """Compare each function with its floor, `runs` times each, by the ratio of the medians."""
    with tempfile.TemporaryDirectory(prefix="straywatch-bench-") as scratch:
        bare, compiled = Path(scratch, "bare"), Path(scratch, "compiled")
        for folder in (bare, compiled):
            with zipfile.ZipFile(package.archive) as archive:
                archive.extractall(folder)
        compileall.compile_dir(compiled, quiet=2)
        for function in functions():
            yield _figure(function, compiled, runs, "byte-code kept")
            yield _figure(function, bare, runs, "first start, no byte-code")


def _figure(function: Function, folder: Path, runs: int, how: str) -> Figure:
    floors, wholes = [], []
    for _ in range(runs):
        floors.append(_seconds(function.floor, folder))
        wholes.append(_seconds(function.whole, folder))
    floor, whole = statistics.median(floors), statistics.median(wholes)
    return Figure(
        f"cold import of {function.name}, {how}",
        f"{whole / floor:.2f} x floor ({whole * 1000:.0f} ms)",
        f"floor {floor * 1000:.0f} ms; aim {AIM} x",
    )


def _seconds(code: str, folder: Path) -> float:
    """Run code in a fresh interpreter that writes no byte-code; return the wall time."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",  # nosec B105  # no password
    }
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-B", "-c", code], cwd=folder, env=environment, check=True)
    return time.perf_counter() - begun


def _services(policy: Path) -> tuple[str, ...]:
    listed = json.loads(policy.read_text())["Statement"]
    statements = [each["Fn::If"][1] if "Fn::If" in each else each for each in listed]
    actions = [action for each in statements for action in _listed(each["Action"])]
    return tuple(sorted({action.partition(":")[0] for action in actions} & _CLIENTS))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
