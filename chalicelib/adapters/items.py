"""Plain attributes as DynamoDB's low-level client takes and gives them.

Text, maps and lists, nearly all there is, are converted here: boto3's own converters, which take
several times as long over them, do the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]
_SERIALIZER, _DESERIALIZER = TypeSerializer(), TypeDeserializer()


def to_item(attributes: Mapping[str, Any]) -> Item:
    """Encode plain attributes for DynamoDB's low-level client. Raises TypeError."""
    return {name: _encoded(value) for name, value in attributes.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Decode what DynamoDB's low-level client returned. Raises TypeError."""
    return {name: _decoded(value) for name, value in item.items()}


def _encoded(value: Any) -> Any:  # noqa: ANN401 - as varied as JSON
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, dict):
        return {"M": to_item(value)}
    if isinstance(value, list):
        return {"L": [_encoded(part) for part in value]}
    return _SERIALIZER.serialize(value)


def _decoded(value: Any) -> Any:  # noqa: ANN401 - as above
    if "S" in value:
        return value["S"]
    if "M" in value:
        return from_item(value["M"])
    if "L" in value:
        return [_decoded(part) for part in value["L"]]
    return _DESERIALIZER.deserialize(value)
