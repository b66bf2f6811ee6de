"""A release: what it lists itself as, and how `straywatch deploy --package` takes it."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts.release import closure, sbom
from straywatch import __version__
from straywatch.deploy.ready_made import CHECKSUMS, read_package
from straywatch.errors import StraywatchError, WrongUsageError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILES = {"sam.json": b"{}", "deployment.zip": b"PK"}


def test_the_bill_lists_the_files_and_what_the_commands_import() -> None:
    """By their hashes, by their package addresses; to be read by any tool for CycloneDX."""
    bill = json.loads(sbom(FILES, NOON))
    (digest,) = {
        each["hashes"][0]["content"]
        for each in bill["metadata"]["component"]["components"]
        if each["name"] == "sam.json"
    }
    assert digest == hashlib.sha256(b"{}").hexdigest()
    assert bill["metadata"]["timestamp"] == NOON.isoformat()
    named = {each["purl"].partition("@")[0] for each in bill["components"]}
    assert {"pkg:pypi/boto3", "pkg:pypi/botocore", "pkg:pypi/ministack"} <= named
    assert "pkg:pypi/pytest" not in named


def test_equal_files_give_an_equal_bill() -> None:
    """No random number and no clock in it."""
    assert sbom(FILES, NOON) == sbom(FILES, NOON)
    assert sbom(FILES, NOON) != sbom(FILES | {"sam.json": b"[]"}, NOON)


def test_what_one_package_needs_is_listed_once_however_it_is_spelled() -> None:
    """`typing_extensions` and `typing-extensions` are one."""
    found = closure("straywatch")
    assert "typing-extensions" in found
    assert not {name for name in found if "_" in name or name != name.lower()}


def _archive(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for name in names:
            opened.writestr(name, "")
    return content.getvalue()


WHOLE = _archive("app.py", "chalice/app.py", "chalicelib/__init__.py")


def _write(folder: Path, archive: bytes = WHOLE, version: str = __version__) -> None:
    template = json.dumps({"Outputs": {"Version": {"Value": version}}}).encode()
    files = {"sam.json": template, "deployment.zip": archive}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    sums = (f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    (folder / CHECKSUMS).write_text("".join(sums), encoding="ascii")


def test_a_release_is_deployed_as_it_is(tmp_path: Path) -> None:
    """And so is what `straywatch package` wrote, which has no list of sums."""
    _write(tmp_path)
    assert read_package(tmp_path).archive.read_bytes() == WHOLE
    (tmp_path / CHECKSUMS).unlink()
    assert read_package(tmp_path).template == tmp_path / "sam.json"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder: (folder / "sam.json").unlink(), "sam.json: No such file"),
        (lambda folder: (folder / "sam.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "sam.json").write_text("[]"), "is damaged"),
        (lambda folder: (folder / "deployment.zip").write_bytes(b"PK"), "is damaged"),
        (
            lambda folder: (folder / "deployment.zip").write_bytes(WHOLE + b"\0"),
            "deployment.zip is not what SHA256SUMS says",
        ),
        (lambda folder: (folder / CHECKSUMS).write_text(""), "sam.json is not what SHA256SUMS"),
        (lambda folder: (folder / CHECKSUMS).write_text("hello\n"), "is damaged"),
        (lambda folder: _write(folder, version="0.0.1"), "is version 0.0.1, and this command"),
    ],
)
def test_what_is_no_whole_release_of_this_version_is_refused(
    tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    """Before anything is asked of AWS."""
    _write(tmp_path)
    harm(tmp_path)
    with pytest.raises(WrongUsageError, match=said):
        read_package(tmp_path)


def test_code_that_would_not_start_is_refused(tmp_path: Path) -> None:
    """As it is when it is packed."""
    _write(tmp_path, _archive("app.py"))
    with pytest.raises(StraywatchError, match="the package lacks chalice"):
        read_package(tmp_path)
