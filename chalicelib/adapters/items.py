"""Plain attributes as DynamoDB's low-level client takes and gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]


def to_item(attributes: Mapping[str, Any]) -> Item:
    """Encode plain attributes for DynamoDB's low-level client."""
    serializer = TypeSerializer()
    return {key: serializer.serialize(value) for key, value in attributes.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """Decode what DynamoDB's low-level client returned."""
    deserializer = TypeDeserializer()
    return {key: deserializer.deserialize(value) for key, value in item.items()}
