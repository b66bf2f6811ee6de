"""From sources to a package, through the real Chalice."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from chalice.constants import MISSING_DEPENDENCIES_TEMPLATE

from straywatch.deploy.packaging import SOURCES, Package, build, require_python, require_success
from straywatch.errors import StraywatchError

APP = """
from chalice.app import Chalice
from chalicelib.words import WORD
app = Chalice(app_name="small")

@app.on_cw_event({"source": ["aws.iam"]})
def hear(event):
    return WORD
"""

EXTRA = """
Resources:
  Extra: {Type: AWS::SQS::Queue}
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A small application in the shape of the real one."""
    root = tmp_path / "sources"
    (root / "chalicelib").mkdir(parents=True)
    (root / ".chalice").mkdir()
    (root / "app.py").write_text(APP)
    (root / "chalicelib" / "__init__.py").write_text("")
    (root / "chalicelib" / "words.py").write_text("WORD = 'heard'\n")
    (root / "requirements.txt").write_text("# nothing\n")
    config = {"version": "2.0", "app_name": "small", "stages": {"dev": {}}}
    (root / ".chalice" / "config.json").write_text(json.dumps(config))
    (root / ".chalice" / "template").mkdir()
    (root / ".chalice" / "template" / "extra.yaml").write_text(EXTRA)
    return root


def content(package: Package) -> tuple[bytes, bytes]:
    """The bytes of both files of a package."""
    return package.template.read_bytes(), package.archive.read_bytes()


def test_a_package_is_a_merged_template_and_the_code(sources: Path, tmp_path: Path) -> None:
    """`build` writes sam.json, with our own resources merged in, and deployment.zip."""
    package = build(sources, tmp_path / "out")
    assert package == Package(tmp_path / "out" / "sam.json", tmp_path / "out" / "deployment.zip")
    resources = json.loads(package.template.read_text())["Resources"]
    assert {"Hear", "Extra"} <= set(resources)
    assert resources["Hear"]["Properties"]["CodeUri"] == "./deployment.zip"


def test_equal_sources_give_equal_bytes(sources: Path, tmp_path: Path) -> None:
    """Times, modes, byte-code and editors' leftovers change nothing."""
    before = content(build(sources, tmp_path / "one"))
    words = sources / "chalicelib" / "words.py"
    os.utime(words, (1, 1))
    words.chmod(0o600)
    cache = sources / "chalicelib" / "__pycache__"
    cache.mkdir()
    (cache / "words.cpython-311.pyc").write_bytes(b"stale")
    (sources / "chalicelib" / "words.py~").write_text("old")
    assert content(build(sources, tmp_path / "two")) == before


def test_aws_settings_of_the_operator_change_nothing(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Packaging needs no credentials, and a profile that does not exist does not stop it."""
    before = content(build(sources, tmp_path / "one"))
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
    assert content(build(sources, tmp_path / "two")) == before


def test_building_leaves_the_sources_alone(sources: Path, tmp_path: Path) -> None:
    """No cache and no by-product appears beside the code, so builds may run side by side."""
    before = sorted(sources.rglob("*"))
    build(sources, tmp_path / "out")
    assert sorted(sources.rglob("*")) == before


def test_a_dependency_that_cannot_be_had_fails_the_build(sources: Path, tmp_path: Path) -> None:
    """Nothing is written when a requirement does not resolve."""
    (sources / "requirements.txt").write_text("./no-such-directory\n")
    with pytest.raises(StraywatchError, match="no-such-directory") as refused:
        build(sources, tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_a_dependency_that_chalice_leaves_out_fails_the_build() -> None:
    """Chalice exits 0 with a zip that cannot start; the line names what is missing."""
    said = MISSING_DEPENDENCIES_TEMPLATE % "numpy==2.4.6\nlxml==6.0"
    with pytest.raises(StraywatchError, match=r"Lambda: numpy==2\.4\.6 lxml==6\.0$"):
        require_success(0, said)


def test_an_application_that_does_not_import_fails_in_one_line(
    sources: Path, tmp_path: Path
) -> None:
    """The last line of the traceback is what tells."""
    (sources / "app.py").write_text("import no_such_module\n")
    with pytest.raises(StraywatchError, match=r"chalice package failed: .*no_such_module"):
        build(sources, tmp_path / "out")


def test_an_application_without_its_library_is_refused(sources: Path, tmp_path: Path) -> None:
    """A zip that could not start is not handed on."""
    (sources / "app.py").write_text(APP.replace("from chalicelib.words import WORD", "WORD = 1"))
    for path in sorted((sources / "chalicelib").iterdir()):
        path.unlink()
    (sources / "chalicelib").rmdir()
    with pytest.raises(StraywatchError, match=r"lacks chalicelib/__init__\.py"):
        build(sources, tmp_path / "out")


def test_a_place_without_an_application_is_said_to_be_none(tmp_path: Path) -> None:
    """Straywatch installed without its clone has nothing to deploy."""
    with pytest.raises(StraywatchError, match=r"no app\.py"):
        build(tmp_path, tmp_path / "out")


def test_a_python_without_a_lambda_runtime_is_refused() -> None:
    """The functions run on the Python that packs them; the line names those that are known."""
    require_python((3, 13))
    for version in ((3, 10), (3, 16)):
        with pytest.raises(StraywatchError, match=r"3\.11, 3\.12, 3\.13"):
            require_python(version)


def test_the_real_package_is_small_and_whole(tmp_path: Path) -> None:
    """The monitor's own package holds all of chalicelib and stays far under 1.5 MB."""
    package = build(SOURCES, tmp_path)
    with zipfile.ZipFile(package.archive) as archive:
        names = set(archive.namelist())
    modules = {path.relative_to(SOURCES) for path in (SOURCES / "chalicelib").rglob("*.py")}
    assert {module.as_posix() for module in modules} <= names
    assert package.archive.stat().st_size < 1_500_000
