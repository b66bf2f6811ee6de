"""The wheel, as `pipx install straywatch` unpacks it, in a folder with nothing else in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from straywatch.deploy.packaging import Package

ROOT = Path(__file__).resolve().parents[2]
BUILD = """
from pathlib import Path
from straywatch.deploy.packaging import SOURCES, build
print(SOURCES)
build(SOURCES, Path("out"))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    offline = ["--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *offline], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(folder / "installed")
    return folder / "installed"


def python(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the wheel's content, and without the clone's."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_packs_the_very_same_application(
    installed: Path, package: Package, tmp_path: Path
) -> None:
    """`package`, `deploy`, `local` and `doctor` take the application from the wheel."""
    ended = python(installed, tmp_path, "-c", BUILD)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.strip() == str(installed / "straywatch" / "application")
    for theirs in (package.template, package.archive):
        assert (tmp_path / "out" / theirs.name).read_bytes() == theirs.read_bytes()


def test_it_has_every_command(installed: Path, tmp_path: Path) -> None:
    """And what they show: pages, styles, scripts."""
    ended = python(installed, tmp_path, "-m", "straywatch", "doctor", "--help")
    assert (ended.returncode, ended.stderr) == (0, "")
    for room in ("audit/templates", "dashboard/static", "report/templates", "commands"):
        theirs = {path.name for path in (installed / "straywatch" / room).glob("*.*")}
        assert theirs == {path.name for path in (ROOT / "straywatch" / room).glob("*.*")}
