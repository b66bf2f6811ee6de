"""Who may import whom inside what is deployed: the folder a module lies in is the rule."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "chalicelib"

ENVIRONMENT = {"os", "posix", "subprocess", "socket", "threading", "urllib.request", "http"}
"""Parts of the standard library that reach out of the process, or tie code to it."""

MODULES = {
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module of the package by its dotted name below it, however deep its folder lies."""

ROOMS = {
    "domain": {"domain", "codec", "times", "text", "settings"},
    "messages": {"messages", "domain", "codec", "times", "text"},
    "flows": {"flows", "domain", "bounded", "codec", "times", "settings", "log", "text"},
    "channels": {"channels", "messages", "domain", "codec", "times", "text", "log"},
    "adapters": {
        "adapters",
        "channels",
        "messages",
        "domain",
        "bounded",
        "codec",
        "times",
        "text",
        "log",
    },
}
"""What each folder may import of the package, next to itself. Modules in none import freely."""

AWS = {"adapters", "bootstrap"}
"""Who may know AWS and the environment: the folder of adapters, and what wires them."""


def room(module: str) -> str:
    """The folder that a module of the package lies in; its own name where it lies in none."""
    return module.partition(".")[0]


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, for types or for use."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively: say where from"
            yield node.module or ""


def unwelcome(name: str, importer: str) -> bool:
    """Whether a module in the room `importer` must not import `name`."""
    top, _, rest = name.partition(".")
    if top == "chalicelib":
        return importer in ROOMS and room(rest) not in ROOMS[importer]
    if importer in AWS:
        return top == "chalice"
    return top not in sys.stdlib_module_names or name in ENVIRONMENT or top in ENVIRONMENT


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_what_its_room_may(module: str) -> None:
    """Only adapters know AWS, nobody knows Chalice, and arrows between rooms run one way."""
    found = [name for name in imported(MODULES[module]) if unwelcome(name, room(module))]
    assert found == []


def test_every_folder_is_a_room() -> None:
    """A new folder is given its rule before anything can hide in it."""
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert folders == ROOMS.keys()


def test_entry_points_know_chalice_and_the_monitor_only() -> None:
    """app.py holds entry points and nothing else, so it needs nothing else."""
    tops = {name.partition(".")[0] for name in imported(ROOT / "app.py")}
    assert tops <= {"chalice", "chalicelib", "typing", "dataclasses", "collections", "__future__"}


@pytest.mark.parametrize(
    ("importer", "name", "refused"),
    [
        ("domain", "json", False),
        ("domain", "urllib.parse", False),
        ("domain", "chalicelib.domain.account", False),
        ("domain", "chalicelib.messages.mail", True),
        ("domain", "os", True),
        ("flows", "os.path", True),
        ("channels", "urllib.request", True),
        ("adapters", "urllib.request", False),
        ("flows", "boto3", True),
        ("messages", "mypy_boto3_iam", True),
        ("adapters", "boto3", False),
        ("adapters", "chalice.app", True),
        ("flows", "chalicelib.adapters.tables", True),
        ("channels", "chalicelib.flows.floods", True),
        ("settings", "boto3", True),
    ],
)
def test_the_rule_itself(importer: str, name: str, *, refused: bool) -> None:
    """The rule lets pure modules through, and stops AWS, the environment and upward arrows."""
    assert unwelcome(name, importer) is refused


PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
_ROW = r"^\| `((?:chalicelib|straywatch)/[\w/]*)` \| [^|]+ \|(?: (.+) \|)?$"
ROWS: dict[str, str] = dict(re.findall(_ROW, PAGE, re.MULTILINE))
"""Each room of the page, and what its row says it may import, where it says so."""


def test_each_folder_has_its_row_on_the_page_and_each_row_its_folder() -> None:
    """docs/architecture.md shows the house as it stands, down to the last room."""
    files = [path for top in ("chalicelib", "straywatch") for path in (ROOT / top).rglob("*.*")]
    folders = {path.parent for path in files if path.is_file() and path.suffix != ".pyc"}
    rooms = {f"{folder.relative_to(ROOT).as_posix()}/" for folder in folders}
    assert sorted(ROWS) == sorted(rooms)


@pytest.mark.parametrize("name", ROOMS)
def test_the_page_says_what_a_room_may_import_as_the_rule_does(name: str) -> None:
    """Of the other rooms; the helpers in the package's root are left out there."""
    for row, may_import in ROWS.items():
        if row.startswith(f"chalicelib/{name}/"):
            said = set(re.findall(r"`(\w+)`", may_import))
            assert said == (ROOMS[name] & ROOMS.keys()) - {name}, row


def test_the_page_lists_the_operators_rooms_from_the_top_down() -> None:
    """In the order of the layers that lint-imports holds them to."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (
        contract["layers"]
        for contract in contracts["contracts"]
        if "straywatch.commands" in contract.get("layers", ())
    )
    depth = {
        name.strip().replace(".", "/") + "/": place
        for place, layer in enumerate(layers)
        for name in layer.split("|")
    }
    tops = [row for row in ROWS if row.startswith("straywatch/") and row.count("/") == 2]
    assert set(tops) <= depth.keys()
    assert [depth[row] for row in tops] == sorted(depth[row] for row in tops)
