"""The code archive: complete, without boto3, and the same bytes on every machine."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from straywatch.deploy.archive import normalise, require_complete
from straywatch.errors import StraywatchError

NEEDED = ("app.py", "chalice/app.py", "chalicelib/__init__.py")


def zipped(*names: str, mode: int = 0o644, year: int = 2026) -> bytes:
    """A zip of these names in this order, as some machine might have made it."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            entry.external_attr = mode << 16
            archive.writestr(entry, f"content of {name}")
    return made.getvalue()


def levelled(content: bytes, path: Path) -> bytes:
    """The normalised form of a zip."""
    path.write_bytes(content)
    return normalise(path)


def test_order_times_and_modes_do_not_change_the_package(tmp_path: Path) -> None:
    """Equal sources give equal bytes, whatever the file system and the umask were."""
    here = levelled(zipped("a.py", "b.py", mode=0o600, year=1999), tmp_path / "1.zip")
    there = levelled(zipped("b.py", "a.py", mode=0o755, year=2026), tmp_path / "2.zip")
    assert here == there


def test_normalising_keeps_every_content(tmp_path: Path) -> None:
    """What goes in comes out."""
    with zipfile.ZipFile(io.BytesIO(levelled(zipped("a.py", "b.py"), tmp_path / "z"))) as archive:
        contents = {name: archive.read(name).decode() for name in archive.namelist()}
    assert contents == {"a.py": "content of a.py", "b.py": "content of b.py"}


def test_a_complete_archive_passes() -> None:
    """Entry points, Chalice's runtime and the monitor are all there."""
    require_complete(zipped(*NEEDED))


@pytest.mark.parametrize("lacking", NEEDED)
def test_an_archive_that_would_not_start_is_refused(lacking: str) -> None:
    """What is missing is named."""
    names = [name for name in NEEDED if name != lacking]
    with pytest.raises(StraywatchError, match=f"lacks {lacking}"):
        require_complete(zipped(*names))


@pytest.mark.parametrize("extra", ["boto3/__init__.py", "botocore/data/x.json"])
def test_an_archive_with_boto3_in_it_is_refused(extra: str) -> None:
    """Lambda brings boto3: packing it makes every cold start slower."""
    with pytest.raises(StraywatchError, match="boto3"):
        require_complete(zipped(*NEEDED, extra))


@pytest.mark.parametrize("extra", ["fast/_speed.cpython-311-x86_64-linux-gnu.so", "x.pyd"])
def test_machine_code_is_refused(extra: str) -> None:
    """It would run on the packer's processor and Python alone."""
    with pytest.raises(StraywatchError, match="only pure Python"):
        require_complete(zipped(*NEEDED, extra))
