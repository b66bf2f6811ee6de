"""Puts the template together: one CloudFormation template out of a file for each concern.

    python -m straywatch.deploy.template > template.json

prints the whole, for whoever runs `chalice package --merge-template` by hand.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from straywatch.deploy import plain_yaml
from straywatch.deploy.sources import SOURCES
from straywatch.errors import StraywatchError

FRAGMENTS = SOURCES / ".chalice" / "template"
"""Where the fragments lie."""

_FUNCTION = "AWS::Serverless::Function"
_ROLE = "AWS::IAM::Role"
_EVERY_FUNCTION, _EVERY_ROLE = "EveryFunction", "EveryRole"
"""Sections of ours: properties that each function, and each function's role, has beside its own."""

_TEXTS = ("AWSTemplateFormatVersion", "Description", "Transform")
"""Sections that hold text and no members."""


def assemble(directory: Path = FRAGMENTS) -> dict[str, Any]:
    """Return the template that the fragments (`*.yaml`, at any depth) of `directory` make up.

    Its members stand in the order of their names, whatever files they come from: moving one from
    file to file changes nothing. Raises StraywatchError when there is no fragment, when one cannot
    be read, and when two give the same member.
    """
    origins: dict[tuple[str, str], str] = {}
    template: dict[str, Any] = {}
    for name, fragment in _fragments(directory):
        for section, member, value in _members(fragment, name):
            other = origins.setdefault((section, member), name)
            if other != name:
                said = f"{section}/{member}".rstrip("/")
                raise StraywatchError(f"{said} stands in both {other} and {name}")
            template.setdefault(section, {})[member] = value
    _spread(template)
    return {section: _ordered(members) for section, members in sorted(template.items())}


def _spread(template: dict[str, Any]) -> None:
    """Give each function, and each function's role, what is said of every one of them.

    What a function says for itself wins. Chalice makes the roles, and calls them so.
    """
    of_function = template.pop(_EVERY_FUNCTION, {})
    of_role = template.pop(_EVERY_ROLE, {})
    resources = template.get("Resources", {})
    functions = [name for name, each in resources.items() if each.get("Type") == _FUNCTION]
    for name in functions:
        resources[name].setdefault("Properties", {})
        resources[name]["Properties"] = of_function | resources[name]["Properties"]
        if of_role:
            role = resources.setdefault(f"{name}Role", {"Type": _ROLE})
            role["Properties"] = _named(of_role, name) | role.get("Properties", {})


def _named(properties: Any, function: str) -> Any:  # noqa: ANN401 - whatever YAML holds
    """The properties of a role, with its function's name in the place of `FUNCTION`."""
    return json.loads(json.dumps(properties).replace("FUNCTION", function))


def as_json(template: dict[str, Any]) -> str:
    """Return the template as JSON: unlike YAML it has no aliases, which CloudFormation refuses."""
    return json.dumps(template, indent=2) + "\n"


def _fragments(directory: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    paths = sorted(directory.rglob("*.yaml"))
    if not paths:
        raise StraywatchError(f"no template in {directory}: it holds no *.yaml")
    for path in paths:
        name = path.relative_to(directory).as_posix()
        yield name, plain_yaml.read(path.read_text(encoding="utf-8"), name)


def _members(fragment: dict[str, Any], name: str) -> Iterator[tuple[str, str, Any]]:
    """Each member with its section and its name; a section of text alone has one without a name."""
    for section, content in fragment.items():
        if section in _TEXTS:
            yield section, "", content
        elif isinstance(content, dict):
            yield from ((section, member, value) for member, value in content.items())
        else:
            raise StraywatchError(f"{name}: {section} holds no members")


def _ordered(members: dict[str, Any]) -> Any:  # noqa: ANN401 - a section, or its text
    return members[""] if "" in members else dict(sorted(members.items()))


if __name__ == "__main__":
    sys.stdout.write(as_json(assemble()))
