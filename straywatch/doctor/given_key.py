"""A key of the operator's own behind the topics, which no resource of the stack tells of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.policies import listed
from chalicelib.domain.wildcard import matches
from straywatch.doctor.lines import Line, failed, passed, unread
from straywatch.doctor.world import ApiResponse, Gone, Unread, World

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_NEEDED = ("kms:Decrypt", "kms:GenerateDataKey")
_ADVICE = "have its owner let CloudWatch use it: docs/platform.md has the statement"


def given_key(world: World) -> Iterator[Line]:
    """Judge the key that `AlertKeyArn` named; nothing where the stack has made one itself."""
    key = world.stack.outputs.get("AlertKeyId", "")
    if key and not world.physical_id("AlertKey"):
        yield _state(world, f"key {key}", key)
        yield _policy(world, f"policy of key {key}", key)


def _state(world: World, check: str, key: str) -> Line:
    answer = world.ask("kms", "describe_key", KeyId=key)
    if not isinstance(answer, Mapping):
        return _not_there(check, answer)
    state = str(answer.get("KeyMetadata", {}).get("KeyState"))
    if state == "Enabled":
        return passed(check, "is enabled")
    verb = "cancel-key-deletion" if state == "PendingDeletion" else "enable-key"
    mend = world.invocation.aws(f"kms {verb}", "--key-id", key)
    return failed(check, f"KeyState is {state}: nothing can be published", mend)


def _policy(world: World, check: str, key: str) -> Line:
    answer = world.ask("kms", "get_key_policy", KeyId=key, PolicyName="default")
    if not isinstance(answer, Mapping):
        return _not_there(check, answer)
    found = [each for each in listed(json.loads(answer["Policy"])["Statement"]) if _of_alarms(each)]
    if any(each["Effect"] == "Deny" for each in found):
        return failed(check, "it denies CloudWatch its use: no alarm arrives", advice=_ADVICE)
    allowed = [action for each in found for action in listed(each.get("Action", []))]
    lacking = [need for need in _NEEDED if not any(matches(each, need) for each in allowed)]
    if lacking:
        seen = f"it lets CloudWatch do no {', '.join(lacking)}: no alarm arrives"
        return failed(check, seen, advice=_ADVICE)
    return passed(check, "lets CloudWatch use it")


def _of_alarms(statement: Mapping[str, Any]) -> bool:
    """Whether it lets CloudWatch do something, or denies it what it needs in all cases."""
    principal = statement.get("Principal", {})
    services = principal.get("Service", []) if isinstance(principal, Mapping) else principal
    if not {_CLOUDWATCH, "*"} & set(listed(services)):
        return False
    return statement["Effect"] == "Allow" or ("Condition" not in statement and _covers(statement))


def _covers(statement: Mapping[str, Any]) -> bool:
    return any(
        matches(each, need) for each in listed(statement.get("Action", [])) for need in _NEEDED
    )


def _not_there(check: str, answer: ApiResponse) -> Line:
    if isinstance(answer, Gone):
        advice = "deploy with another key as AlertKeyArn, or with none"
        return failed(check, "was deleted: nothing can be published", advice=advice)
    return unread(check, answer.why if isinstance(answer, Unread) else "")
