"""Packs the monitor: from the sources to a SAM template and a zip, the same bytes every time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from straywatch.deploy.archive import normalise, require_complete
from straywatch.deploy.sources import MONITOR, SOURCES
from straywatch.deploy.template import as_json, assemble
from straywatch.errors import StraywatchError
from straywatch.text import one_line

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14), (3, 15))
"""Interpreters that Chalice 1.34 knows (it calls anything newer 3.15).

The functions run on the runtime that the template pins, whichever of these packs them."""

_CHALICE = "import sys; from chalice.cli import main; sys.exit(main())"
__all__ = ("SOURCES", "Package", "build")

_MERGED = "template.json"
_DEPLOYED = ("app.py", "chalicelib", "requirements.txt", ".chalice")
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "*.pyc", "*~", ".*.sw?", ".DS_Store", "deployments", "deployed"
)


@dataclass(frozen=True)
class Package:
    """A packaged application: its SAM template and the code archive that it names."""

    template: Path
    archive: Path


def build(root: Path, out: Path) -> Package:
    """Pack the application under `root` into `out`/sam.json and `out`/deployment.zip.

    Needs no credentials and no region; equal sources give equal bytes, and builds may run side by
    side. Raises StraywatchError when anything is missing from the package or should not be in it.
    """
    require_python(sys.version_info[:2])
    with tempfile.TemporaryDirectory(prefix="straywatch-") as scratch:
        stage = Path(scratch, "source")
        _copy_sources(root, stage)
        template = assemble(stage / ".chalice" / "template")
        (stage / _MERGED).write_text(as_json(template), encoding="utf-8")
        _run_chalice(stage)
        packed = stage / "out"
        archive = normalise(packed / "deployment.zip")
        require_complete(archive)
        merged = (packed / "sam.json").read_bytes()
    out.mkdir(parents=True, exist_ok=True)
    return Package(_put(out / "sam.json", merged), _put(out / "deployment.zip", archive))


def require_python(version: tuple[int, int]) -> None:
    """Raise StraywatchError unless Chalice can pack on this Python `version`."""
    if version not in PYTHONS:
        known = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        raise StraywatchError(
            f"Chalice cannot pack on Python {version[0]}.{version[1]}: it knows {known}; "
            "make .venv with one of these"
        )


def _copy_sources(root: Path, stage: Path) -> None:
    """Copy what is deployed, and only that, so that nothing lying around changes the package."""
    if not (root / "app.py").is_file():
        raise StraywatchError(f"no app.py in {root}: install Straywatch anew")
    stage.mkdir()
    for name in _DEPLOYED:
        source = MONITOR if root == SOURCES and name == MONITOR.name else root / name
        if source.is_dir():
            shutil.copytree(source, stage / name, ignore=_LEFT_OUT)
        elif source.is_file():
            shutil.copy(source, stage / name)


def _run_chalice(stage: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-B", "-c", _CHALICE, "package", "--merge-template", _MERGED, "out"],
        cwd=stage,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    require_success(run.returncode, run.stdout + run.stderr)


def require_success(exit_code: int, said: str) -> None:
    """Raise StraywatchError unless Chalice ended well and packed every dependency.

    Where it could not pack one it says so, makes a zip that cannot start, and exits 0.
    """
    _, missing, named = said.partition("Could not install dependencies:")
    if missing:
        names = one_line(named.partition("You will have to build")[0])
        raise StraywatchError(f"these dependencies cannot be packaged for Lambda: {names}")
    if exit_code != 0:
        last = said.strip().splitlines()[-1:] or [f"exit code {exit_code}"]
        raise StraywatchError(f"chalice package failed: {one_line(last[0])}")


def _environment() -> dict[str, str]:
    """Build Chalice's environment: without AWS settings, which could change or break a package."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return kept | nowhere | {"AWS_DEFAULT_REGION": "us-east-1"}


def _put(path: Path, content: bytes) -> Path:
    """Write `content` at once, so that a reader never meets half a file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    Path(file.name).chmod(0o644)
    return Path(file.name).replace(path)
