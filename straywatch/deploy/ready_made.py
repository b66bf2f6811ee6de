"""A package that was made before: the files of a release, or of `straywatch package`."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from straywatch import __version__
from straywatch.deploy.archive import require_complete
from straywatch.deploy.packaging import Package
from straywatch.errors import WrongUsageError

CHECKSUMS = "SHA256SUMS"
"""The list of a release's files, as `sha256sum --check` reads it."""


def read_package(folder: Path) -> Package:
    """Find sam.json and deployment.zip in `folder`, as a release has them.

    Both must be what SHA256SUMS says, where there is one, and of this command's version, as doctor
    and the other commands compare a deployment with their own. Raises WrongUsageError.
    """
    package = Package(folder / "sam.json", folder / "deployment.zip")
    try:
        content = {path.name: path.read_bytes() for path in (package.template, package.archive)}
        listed = folder / CHECKSUMS
        sums = checksums(listed.read_text(encoding="ascii")) if listed.exists() else None
        version = json.loads(content[package.template.name])["Outputs"]["Version"]["Value"]
        require_complete(content[package.archive.name])
    except OSError as error:
        raise WrongUsageError(
            f"no package in {folder}: {error.filename}: {error.strerror}; "
            "it takes sam.json and deployment.zip, of a release or of `straywatch package`"
        ) from error
    except (ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
        raise WrongUsageError(f"the package in {folder} is damaged: take it anew") from error
    for name, said in content.items():
        if sums is not None and sums.get(name) != hashlib.sha256(said).hexdigest():
            raise WrongUsageError(
                f"{folder / name} is not what {CHECKSUMS} says: nothing was sent, take it anew"
            )
    if version != __version__:
        raise WrongUsageError(
            f"the package in {folder} is version {version}, and this command {__version__}: "
            f"use a command of the same version"
        )
    return package


def checksums(text: str) -> dict[str, str]:
    """Each file's SHA-256, as `sha256sum` lists them. Raises ValueError for any other line."""
    pairs = (line.split("  ", 1) for line in text.splitlines())
    return {name: digest for digest, name in pairs}
