"""Reads YAML that can mean one thing only: what JSON can say, and CloudFormation's short tags."""

from __future__ import annotations

import json
from typing import Any

import yaml

from straywatch.errors import StraywatchError
from straywatch.text import one_line

_STRING = "tag:yaml.org,2002:str"
_PLAIN = "tag:yaml.org,2002:"
_TAGS = {
    "!Ref": "Ref",
    "!GetAtt": "Fn::GetAtt",
    "!Sub": "Fn::Sub",
    "!Equals": "Fn::Equals",
    "!Not": "Fn::Not",
}
"""Short tags and what they stand for: CloudFormation's user guide, intrinsic function reference."""


class _Unclear(Exception):  # noqa: N818 - never leaves this module
    """A node that is not to be read, and why."""

    def __init__(self, node: yaml.Node | yaml.Event, why: str) -> None:
        super().__init__(why)
        self.line = node.start_mark.line + 1 if node.start_mark else 0


def read(text: str, name: str) -> dict[str, Any]:
    """Return the mapping that the YAML `text` holds, as JSON would hold it.

    Raises StraywatchError, naming `name` and the line, for what is no YAML, a key that comes twice,
    an anchor or alias, another tag, nothing where a value should be, and for every plain word that
    YAML 1.1 takes for something else than it looks like (`yes`, `012`, `2012-10-17`).
    """
    try:
        _refuse_anchors(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise StraywatchError(f"{name} holds no mapping")
        return _mapping(root)
    except _Unclear as error:
        raise StraywatchError(f"{name}:{error.line}: {error}") from error
    except yaml.YAMLError as error:
        raise StraywatchError(f"{name} is no YAML: {one_line(error)}") from error


def _refuse_anchors(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            raise _Unclear(event, f"anchor or alias {event.anchor!r}: write it out")


def _value(node: yaml.Node) -> Any:  # noqa: ANN401 - whatever JSON can say
    if node.tag in _TAGS:
        return {_TAGS[node.tag]: _argument(node)}
    if not node.tag.startswith(_PLAIN):
        raise _Unclear(node, f"unknown tag {node.tag}: known are {', '.join(_TAGS)}")
    return _untagged(node)


def _argument(node: yaml.Node) -> Any:  # noqa: ANN401 - as above
    if node.tag == "!GetAtt" and isinstance(node, yaml.ScalarNode):
        return node.value.split(".", 1)
    return node.value if isinstance(node, yaml.ScalarNode) else _untagged(node)


def _untagged(node: yaml.Node) -> Any:  # noqa: ANN401 - as above
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    return _scalar(node)


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = _scalar(key_node)
        if not isinstance(key, str):
            raise _Unclear(key_node, f"{key_node.value!r} is no name: quote it")
        if key in members:
            raise _Unclear(key_node, f"{key!r} comes twice")
        members[key] = _value(value_node)
    return members


def _scalar(node: yaml.Node) -> str | int | float | bool:
    """Quoted and folded text as it is; a plain word only if JSON and YAML 1.1 read it alike."""
    if not isinstance(node, yaml.ScalarNode):
        raise _Unclear(node, "a name is text")
    if node.style is not None:
        return str(node.value)
    if node.value == "":
        raise _Unclear(node, 'nothing here: write "" if that is meant')
    as_json = _json_scalar(node.value)
    if node.tag == _STRING and as_json is None:
        return str(node.value)
    if node.tag != _STRING and as_json is not None:
        return as_json
    raise _Unclear(node, f"{node.value!r} is read in more than one way: quote it")


def _json_scalar(text: str) -> int | float | bool | None:
    """The number or truth value that JSON reads; None for anything else."""
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, (bool, int, float)) else None
