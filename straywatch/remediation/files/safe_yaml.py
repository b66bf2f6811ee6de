"""Read YAML as JSON would be read: no aliases, no dates, no key twice, nothing too deep."""

from __future__ import annotations

import re
from typing import Any

import yaml

from straywatch.text import one_line

MOST_CHARACTERS = 200_000_000
"""Far more than a plan for 5,000 users, the quota of an account, has."""

DEEPEST = 40
"""Levels of lists and mappings: a plan has a dozen. Unlimited ones crash the interpreter."""

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,8})\.[0-9]{1,9}")
_TAG = "tag:yaml.org,2002:"
_WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}
_OPENING = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_CLOSING = (yaml.MappingEndEvent, yaml.SequenceEndEvent)


class YamlFault(ValueError):  # noqa: N818 - it is the fault, with its line, not an error of ours
    """What is wrong, and on which line (from 1)."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(words)
        self.line = line


def read_yaml(text: str) -> Any:  # noqa: ANN401 - whatever the text holds
    """The value of a YAML document. Raises YamlFault for what is no YAML, or means two things."""
    node = composed(text)
    return None if node is None else _value(node)


def composed(text: str) -> yaml.Node | None:
    """The document's nodes, each with its line, as far as they are safe to look at."""
    if len(text) > MOST_CHARACTERS:
        raise YamlFault(1, f"longer than {MOST_CHARACTERS:,} characters")
    try:
        _look_through(text)
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = one_line(error.problem or "it cannot be read")
        raise YamlFault(mark.line + 1 if mark else 1, f"not YAML: {words}") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, max(error.position, 0)) + 1
        raise YamlFault(line, f"not YAML: {one_line(error.reason)}") from error


def _look_through(text: str) -> None:
    """Refuse, event by event, what would crash or swell whatever builds the whole."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlFault(line, f"*{one_line(event.anchor)} is an alias: write out what it means")
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise YamlFault(line, "a second document begins: a plan is one")
        depth += isinstance(event, _OPENING) - isinstance(event, _CLOSING)
        if depth > DEEPEST:
            raise YamlFault(line, f"more than {DEEPEST} levels deep")


def _value(node: yaml.Node) -> Any:  # noqa: ANN401 - whatever the text holds
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        if node.tag != f"{_TAG}seq":
            raise _fault(node, f"{one_line(node.tag)} is not read here: write a plain list")
        return [_value(member) for member in node.value]
    return _scalar(node)


def _mapping(node: yaml.MappingNode) -> dict[str, Any]:
    if node.tag != f"{_TAG}map":
        raise _fault(node, f"{one_line(node.tag)} is not read here: write a plain mapping")
    found: dict[str, Any] = {}
    for key, value in node.value:
        name = _value(key) if isinstance(key, yaml.ScalarNode) else None
        if not isinstance(name, str):
            raise _fault(key, "a key must be text: put it in quotes")
        if name in found:
            raise _fault(key, f"{one_line(name)} stands twice: take one out")
        found[name] = _value(value)
    return found


def _scalar(node: yaml.Node) -> Any:  # noqa: ANN401 - whatever the text holds
    text, kind = str(node.value), node.tag.removeprefix(_TAG)
    if kind == "str":
        return text
    if kind in ("bool", "null") and text in _WORDS:
        return _WORDS[text]
    if kind == "int" and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "float" and _DECIMAL.fullmatch(text):
        return float(text)
    means = {"timestamp": "a date", "bool": "true or false", "int": "a number", "float": "a number"}
    words = f"{one_line(text[:60])} reads as {means.get(kind, one_line(kind))}"
    raise _fault(node, f"{words}, not as text: put it in quotes")


def _fault(node: yaml.Node, words: str) -> YamlFault:
    return YamlFault(node.start_mark.line + 1, words)
