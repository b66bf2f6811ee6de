"""The code archive: what must be in it, what must not, and the same bytes on every machine."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from straywatch.errors import StraywatchError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can tell
_READABLE = 0o100644 << 16  # a regular file, readable by Lambda whatever the umask here was
_UNIX = 3
_MACHINE_CODE = (".so", ".pyd", ".dylib", ".dll")
_IN_THE_RUNTIME = ("boto3/", "botocore/")


def normalise(path: Path) -> bytes:
    """Return the zip at `path` with its entries sorted, and times, modes and origin levelled."""
    levelled = io.BytesIO()
    with (
        zipfile.ZipFile(path) as source,
        zipfile.ZipFile(levelled, "w") as target,
    ):
        for name in sorted(set(source.namelist())):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = _READABLE
            target.writestr(entry, source.read(name), zipfile.ZIP_DEFLATED, compresslevel=9)
    return levelled.getvalue()


def require_complete(archive: bytes) -> None:
    """Raise StraywatchError if the code is not all there, or what does not belong there came along.

    That is boto3, 17 MB of it, and machine code, which runs on one processor and Python alone.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        names = opened.namelist()
    for needed in ("app.py", "chalice/app.py", "chalicelib/__init__.py"):
        if needed not in names:
            raise StraywatchError(f"the package lacks {needed}: it would not start")
    for name in names:
        if name.endswith(_MACHINE_CODE):
            raise StraywatchError(
                f"the package contains {name}: the functions' runtime and processor are chosen in "
                "the template, so only pure Python can be deployed"
            )
        if name.startswith(_IN_THE_RUNTIME):
            raise StraywatchError(
                f"the package contains {name}: Lambda's runtime has boto3, take it out of "
                "requirements.txt"
            )
