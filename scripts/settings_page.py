"""Writes docs/settings.md from the template's own parameters: `python -m scripts.settings_page`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from straywatch.deploy import plain_yaml
from straywatch.deploy.template import FRAGMENTS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_SECTIONS = (
    ("The monitor", r"settings\.yaml|functions\.yaml"),
    ("Channels", r"channels/.*"),
    ("Many accounts", r"organization\.yaml"),
    ("What an organization asks for", r".*"),
)
"""Each with the files whose parameters it has; the first that fits counts."""

_HEAD = """\
# Settings

<!-- Written by `python -m scripts.settings_page` from .chalice/template/: change it there. -->

Each is a parameter of the stack: `straywatch deploy --parameter ReminderHours=12`. What is not
given stays as it is. CloudFormation refuses what is not allowed, before anything is changed.
What they are good for: [README](../README.md#settings), [channels](channels.md),
[many accounts](organization.md), [platform](platform.md).
"""
_TABLE = "| parameter | default | allowed | what it says |\n|---|---|---|---|\n"


def page() -> str:
    """The page as the template has it now."""
    rows: dict[str, list[str]] = {title: [] for title, _ in _SECTIONS}
    for name, parameters in _parameters():
        title = next(title for title, files in _SECTIONS if re.fullmatch(files, name))
        rows[title].extend(_row(*each) for each in parameters.items())
    return _HEAD + "".join(
        f"\n## {title}\n\n{_TABLE}{''.join(rows[title])}" for title, _ in _SECTIONS
    )


def _parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    """The parameters of each file, in the order in which they stand there."""
    paths = FRAGMENTS.rglob("*.yaml")
    for path in sorted(paths, key=lambda path: (path.name != "settings.yaml", path)):
        name = path.relative_to(FRAGMENTS).as_posix()
        yield name, plain_yaml.read(path.read_text("utf-8"), name).get("Parameters", {})


def _row(name: str, parameter: dict[str, Any]) -> str:
    default = f"`{parameter['Default']}`" if parameter["Default"] != "" else ""
    choice = ", ".join(str(each) for each in parameter.get("AllowedValues", ()))
    allowed = choice or parameter["ConstraintDescription"].removeprefix("must be ")
    said = re.sub(r"\bdocs/(\w+\.md)", r"[\1](\1)", parameter["Description"])
    return f"| `{name}` | {default} | {allowed} | {said} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
