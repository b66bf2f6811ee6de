"""Pages of IAM's lists, which the emulator gives whole: MaxItems kept to, markers, short pages.

AWS may give fewer than were asked for, none at all, and yet say that there are more; tests order
that.
"""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

from botocore.model import ListShape, StructureShape
from ministack.services import iam

from straywatch.local.bridge.aws_model import service_model
from straywatch.local.emulator.iam_answers import Handler, IamResponse, Parameters, error

_MOST_ITEMS = 100  # IAM API reference, MaxItems: the default
_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_SUCCESS = 200


@dataclass
class Pages:
    """How long pages are at most, whatever is asked for; `empty_first`: the first holds nothing."""

    most: int = 1000
    empty_first: bool = False

    def set(self, *, most: int, empty_first: bool) -> None:
        """Cut so from now on."""
        self.most, self.empty_first = most, empty_first


def install(pages: Pages) -> None:
    """Cut every list of IAM's that has a marker into pages."""
    ET.register_namespace("", _NAMESPACE)
    handlers = iam._IAM_HANDLERS
    model = service_model("iam")
    for action in set(handlers) & set(model.operation_names):
        lists = _lists(model.operation_model(action).output_shape)
        if lists:
            handlers[action] = _paged(handlers[action], lists, pages)


def _lists(shape: StructureShape | None) -> tuple[str, ...]:
    if shape is None or "Marker" not in shape.members:
        return ()
    return tuple(name for name, each in shape.members.items() if isinstance(each, ListShape))


def _paged(handler: Handler, lists: tuple[str, ...], pages: Pages) -> Handler:
    def handle(p: Parameters) -> IamResponse:
        whole = {name: value for name, value in p.items() if name not in ("Marker", "MaxItems")}
        try:
            start = _position(iam._p(p, "Marker"))
        except ValueError:
            return error(400, "ValidationError", "Invalid Marker.")
        status, headers, body = handler(whole)
        if status != _SUCCESS:
            return status, headers, body
        size = min(int(iam._p(p, "MaxItems") or _MOST_ITEMS), pages.most)
        if pages.empty_first and start is None:
            size = 0
        return status, headers, _cut(body, lists, start or 0, size)

    return handle


def _position(marker: str) -> int | None:
    """Where a page begins: after so many members; None for the first."""
    if not marker:
        return None
    try:
        return int(base64.b64decode(marker, validate=True))
    except binascii.Error as wrong:
        raise ValueError(marker) from wrong


def _cut(body: bytes, lists: tuple[str, ...], start: int, size: int) -> bytes:
    root = ET.fromstring(body)  # nosec B314  # noqa: S314 - the emulator's own answer
    result = root[0]
    found = [(each, list(each)) for name in lists for each in result.findall(_tag(name))]
    members = [(place, member) for place, all_of_it in found for member in all_of_it]
    for place, member in members[:start] + members[start + size :]:
        place.remove(member)
    more = start + size < len(members)
    _set(result, {"IsTruncated": "true" if more else "false"})
    if more:
        _set(result, {"Marker": base64.b64encode(str(start + size).encode()).decode()})
    cut: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return cut


def _set(result: ET.Element, texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        place = result.find(_tag(name))
        (ET.SubElement(result, _tag(name)) if place is None else place).text = text


def _tag(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"
