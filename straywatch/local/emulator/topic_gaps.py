"""What the emulator's CloudFormation leaves out of a topic: its key and its default policy's limit.

Without the key an encrypted topic would take messages from roles that AWS would refuse; without
the limit anybody in the account may publish.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import sns
from ministack.services.cloudformation import provisioners

_TOPIC = "AWS::SNS::Topic"
_DEFAULT_POLICY = "__default_policy_ID"

Made = tuple[str, Mapping[str, str]]


def install() -> None:
    """Complete each topic that a stack creates or updates."""
    handlers = provisioners._RESOURCE_HANDLERS[_TOPIC]
    create, update = handlers["create"], handlers["update"]

    def create_completely(logical_id: str, properties: Any, stack_name: str) -> Made:  # noqa: ANN401 - the emulator's own
        made: Made = create(logical_id, properties, stack_name)
        _complete(made[0], properties)
        return made

    def update_completely(physical_id: str, old: Any, new: Any, *rest: Any, **named: Any) -> Made:  # noqa: ANN401 - the emulator's own
        made: Made = update(physical_id, old, new, *rest, **named)
        _complete(made[0], new)
        return made

    handlers["create"], handlers["update"] = create_completely, update_completely


def _complete(topic_arn: str, properties: Mapping[str, Any]) -> None:
    attributes = sns._topics[topic_arn]["attributes"]
    attributes["KmsMasterKeyId"] = properties.get("KmsMasterKeyId", "")
    policy = json.loads(attributes["Policy"])
    if policy.get("Id") == _DEFAULT_POLICY:
        owner = {"StringEquals": {"AWS:SourceOwner": get_account_id()}}
        for statement in policy["Statement"]:
            statement["Condition"] = owner
        attributes["Policy"] = json.dumps(policy)
