"""Makes a release of the last commit, twice, and keeps it if both are equal: `make release`."""

from __future__ import annotations

import hashlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import distribution
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from straywatch.deploy.ready_made import CHECKSUMS

ROOT = Path(__file__).resolve().parent.parent
RELEASE = ROOT / "build" / "release"
SBOM = "sbom.cdx.json"
_EXTRA = "local"


def main() -> int:
    """Make the release, and list it as `sha256sum` does. Only what is committed is in it."""
    try:
        commit, seconds = _run("git", "log", "-1", "--format=%H %ct").decode().split()
        if _run("git", "status", "--porcelain"):
            print("what is not committed is left out", file=sys.stderr)
        # a clock elsewhere and another order of sets must change nothing
        first = _made(commit, seconds, {"TZ": "UTC", "PYTHONHASHSEED": "1"})
        second = _made(commit, seconds, {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "2"})
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="backslashreplace").strip()
        print(f"{shlex.join(error.cmd)} exited with {error.returncode}: {said}", file=sys.stderr)
        return 1
    unequal = sorted(name for name in {*first, *second} if first.get(name) != second.get(name))
    if unequal:
        print(f"made twice, these differ: {', '.join(unequal)}; nothing is kept", file=sys.stderr)
        return 1
    shutil.rmtree(RELEASE, ignore_errors=True)
    RELEASE.mkdir(parents=True)
    for name, content in first.items():
        (RELEASE / name).write_bytes(content)
    print(first[CHECKSUMS].decode(), end="")
    print(f"{RELEASE.relative_to(ROOT)} has the release of {commit}", file=sys.stderr)
    return 0


def _made(commit: str, seconds: str, surroundings: Mapping[str, str]) -> dict[str, bytes]:
    """Each file of the release of `commit`, whose time is told instead of today's."""
    with tempfile.TemporaryDirectory(prefix="straywatch-release-") as scratch:
        sources, out = Path(scratch, "sources"), Path(scratch, "out")
        with tarfile.open(fileobj=io.BytesIO(_run("git", "archive", commit))) as opened:
            opened.extractall(sources, filter="data")
        python = (sys.executable, "-B", "-m")
        told = {"SOURCE_DATE_EPOCH": seconds, **surroundings}
        _run(*python, "hatchling", "build", "-d", str(out), folder=sources, **told)
        _run(*python, "straywatch", "package", "--out", str(out), folder=sources, **told)
        files = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
    files[SBOM] = sbom(files, datetime.fromtimestamp(int(seconds), UTC)).encode()
    sums = (f"{_sha256(content)}  {name}\n" for name, content in sorted(files.items()))
    return files | {CHECKSUMS: "".join(sums).encode()}


def sbom(files: Mapping[str, bytes], made_at: datetime) -> str:
    """What the release is made of, as a CycloneDX 1.6 document in JSON.

    Its own files with their hashes; what the commands import, at the versions that were tested; and
    the part of Chalice that is in deployment.zip, where there is nothing else of others.
    """
    ours = distribution("straywatch")
    straywatch = Component(
        name="straywatch",
        version=ours.version,
        type=ComponentType.APPLICATION,
        bom_ref="straywatch",
        components=[
            Component(
                name=name,
                type=ComponentType.FILE,
                bom_ref=name,
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=_sha256(content))],
            )
            for name, content in files.items()
        ],
    )
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, "".join(map(_sha256, files.values()))),
        metadata=BomMetaData(component=straywatch, timestamp=made_at),
    )
    libraries = {name: _library(name) for name in sorted(closure("straywatch", _EXTRA))}
    bom.components.update(libraries.values())
    bom.register_dependency(straywatch, libraries.values())
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=1)


def closure(name: str, *extras: str) -> set[str]:
    """Every package that `name` with these `extras` needs on this Python, as it is installed."""
    found: set[str] = set()
    wanted = [(name, frozenset(extras))]
    while wanted:
        for need in _needs(*wanted.pop()):
            one = canonicalize_name(need.name)
            if one not in found:
                found.add(one)
                wanted.append((one, frozenset(need.extras)))
    return found


def _needs(name: str, extras: Iterable[str]) -> Iterator[Requirement]:
    for text in distribution(name).requires or ():
        need = Requirement(text)
        if not need.marker or any(need.marker.evaluate({"extra": one}) for one in (*extras, "")):
            yield need


def _library(name: str) -> Component:
    version = distribution(name).version
    purl = PackageURL("pypi", name=name, version=version)
    return Component(name=name, version=version, bom_ref=str(purl), purl=purl)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _run(*command: str, folder: Path = ROOT, **environment: str) -> bytes:
    """What `command` prints. Raises CalledProcessError, which has what it said of its failure."""
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, check=True
    )
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
