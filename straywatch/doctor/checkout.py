"""What this checkout would deploy, to compare a deployment with."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from pathlib import Path

from straywatch.deploy.packaging import SOURCES, Package, build
from straywatch.doctor.world import Checkout, Unread
from straywatch.errors import StraywatchError


def packaged() -> Checkout | Unread:
    """Pack the application; where that is not possible, say why."""
    with tempfile.TemporaryDirectory(prefix="straywatch-doctor-") as out:
        try:
            return read_package(build(SOURCES, Path(out)))
        except (StraywatchError, OSError) as error:
            return Unread(f"this checkout cannot be packaged: {error}")


def read_package(package: Package) -> Checkout:
    """Read what a deployment of the package would be."""
    template = json.loads(package.template.read_bytes())
    digest = hashlib.sha256(package.archive.read_bytes()).digest()
    return Checkout(code_sha256=base64.b64encode(digest).decode(), template=template)
