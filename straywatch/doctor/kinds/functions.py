"""Lambda: functions, what becomes of events they fail on, and what feeds them from queues."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.doctor import forms
from straywatch.doctor.intended import POLICY, Intended
from straywatch.doctor.kinds.interface import Call, Kind, Look, Property, Wait
from straywatch.doctor.world import Ask

_SHA256 = re.compile(r"([0-9a-f]{64})\.zip")
_CODE, _RESERVED, _RECURSION = "Code", "ReservedConcurrentExecutions", "RecursiveLoop"
_ARCHITECTURES = "Architectures"
_OWN_CALLS = frozenset({_ARCHITECTURES, _CODE, _RESERVED, _RECURSION, POLICY})
_NAMES = {"KmsKeyArn": "KMSKeyArn"}
_EMPTY = {
    "DeadLetterConfig": {"TargetArn": ""},
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "KmsKeyArn": "",
    "Layers": [],
    "MemorySize": 128,
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
"""What to send for a property that the template leaves out."""


def _code(value: object) -> forms.Value:
    """The hash of the code, as Lambda tells it: the archive lies under its own hash."""
    if isinstance(value, Mapping):
        found = _SHA256.fullmatch(str(value.get("S3Key", "")))
        return b64encode(bytes.fromhex(found[1])).decode() if found else None
    return forms.plain(value)


def _put_function(
    function: Intended, names: frozenset[str], seen: Mapping[str, Any]
) -> Iterator[Call]:
    by_name = {"FunctionName": function.physical_id}
    until = Wait("function_updated_v2", by_name)
    said = function.properties
    settings = {
        _NAMES.get(name, name): said.get(name, _EMPTY.get(name)) for name in names - _OWN_CALLS
    }
    if settings:
        yield Call("lambda", "update_function_configuration", by_name | settings, until)
    if {_CODE, _ARCHITECTURES} & names:
        runs_on = {_ARCHITECTURES: said.get(_ARCHITECTURES, ["x86_64"])}
        yield Call("lambda", "update_function_code", by_name | runs_on | said[_CODE], until)
    if _RESERVED in names and said.get(_RESERVED) is None:
        yield Call("lambda", "delete_function_concurrency", by_name)
    elif _RESERVED in names:
        reserved = {_RESERVED: said[_RESERVED]}
        yield Call("lambda", "put_function_concurrency", by_name | reserved)
    if _RECURSION in names:
        loop = {_RECURSION: said.get(_RECURSION, "Terminate")}
        yield Call("lambda", "put_function_recursion_config", by_name | loop)
    if POLICY in names:
        yield from _permissions(by_name, said.get(POLICY), seen.get("policy", {}).get("Policy"))


def _permissions(by_name: Mapping[str, str], wanted: Any, seen: Any) -> Iterator[Call]:  # noqa: ANN401 - documents
    """Take away what the template does not have, then add what is missing."""
    is_there = json.loads(seen or "{}").get("Statement", [])
    should_be = (wanted or {}).get("Statement", [])
    forms_there = [forms.policy({"Statement": each}) for each in is_there]
    forms_wanted = [forms.policy({"Statement": _whole(each, is_there)}) for each in should_be]
    for statement, form in zip(is_there, forms_there, strict=True):
        if form not in forms_wanted and "Sid" in statement:
            named = {"StatementId": statement["Sid"]}
            yield Call("lambda", "remove_permission", {**by_name, **named})
    for statement, form in zip(should_be, forms_wanted, strict=True):
        if form not in forms_there:
            yield Call("lambda", "add_permission", {**by_name, **_permission(statement)})


def _whole(statement: Mapping[str, Any], is_there: list[Any]) -> Mapping[str, Any]:
    """With the resource that Lambda writes itself."""
    resources = [each["Resource"] for each in is_there if "Resource" in each]
    return {**statement, "Resource": resources[0]} if resources else statement


def _permission(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    (principal,) = statement["Principal"].values()
    told = {"StatementId": statement["Sid"], "Action": statement["Action"], "Principal": principal}
    keys = {key: value for keys in statement["Condition"].values() for key, value in keys.items()}
    return {**told, **{key.partition(":")[2]: value for key, value in keys.items()}}


def _create_function(_ask: Ask, function: Intended) -> Iterator[Call]:
    later = _OWN_CALLS - {_ARCHITECTURES} | {"Tags"}
    said = {_NAMES.get(k, k): v for k, v in function.properties.items() if k not in later}
    told = {"FunctionName": function.physical_id, "Code": function.properties[_CODE], **said}
    until = Wait("function_active_v2", {"FunctionName": function.physical_id})
    yield Call("lambda", "create_function", told, until)


def _policy(value: object) -> forms.Value:
    """A function's policy; whose it is goes without saying."""
    statements = forms.policy(value) or []
    return forms.plain([{k: v for k, v in s.items() if k != "Resource"} for s in statements])


FUNCTION = Kind(
    word="function",
    area="look",
    looks={
        "configuration": Look("lambda", "get_function_configuration", {"FunctionName": "{id}"}),
        "concurrency": Look("lambda", "get_function_concurrency", {"FunctionName": "{id}"}),
        "recursion": Look("lambda", "get_function_recursion_config", {"FunctionName": "{id}"}),
        "policy": Look("lambda", "get_policy", {"FunctionName": "{id}"}, absent={}),
    },
    properties={
        _ARCHITECTURES: Property("configuration.Architectures", ["x86_64"]),
        _CODE: Property("configuration.CodeSha256", form=_code),
        "DeadLetterConfig": Property("configuration.DeadLetterConfig", {}),
        "Environment": Property("configuration.Environment.{Variables: Variables}", {}),
        "EphemeralStorage": Property("configuration.EphemeralStorage", {"Size": 512}, minor=True),
        "FileSystemConfigs": Property("configuration.FileSystemConfigs", []),
        "Handler": Property("configuration.Handler"),
        "KmsKeyArn": Property("configuration.KMSKeyArn", ""),
        "Layers": Property("configuration.Layers[].Arn", []),
        "LoggingConfig": Property("configuration.LoggingConfig"),
        "MemorySize": Property("configuration.MemorySize", 128),
        POLICY: Property("policy.Policy", {}, form=_policy, may_grow=True),
        _RECURSION: Property("recursion.RecursiveLoop", "Terminate"),
        _RESERVED: Property("concurrency.ReservedConcurrentExecutions", None),
        "Role": Property("configuration.Role"),
        "Runtime": Property("configuration.Runtime"),
        "Timeout": Property("configuration.Timeout", 3),
        "TracingConfig": Property(
            "configuration.TracingConfig", {"Mode": "PassThrough"}, minor=True
        ),
        "VpcConfig": Property(
            "configuration.VpcConfig.{SubnetIds: SubnetIds, SecurityGroupIds: SecurityGroupIds}", {}
        ),
    },
    put=_put_function,
    creates=_create_function,
)


def _put_invocations(
    config: Intended, _names: frozenset[str], _seen: Mapping[str, Any]
) -> Iterator[Call]:
    yield Call("lambda", "put_function_event_invoke_config", dict(config.properties))


EVENT_INVOKE_CONFIG = Kind(
    word="failed events",
    area="hear",
    looks={
        "config": Look(
            "lambda",
            "get_function_event_invoke_config",
            {"FunctionName": "{FunctionName}", "Qualifier": "{Qualifier}"},
            absent={},
        )
    },
    properties={
        "DestinationConfig": Property("config.DestinationConfig", {}),
        "MaximumEventAgeInSeconds": Property("config.MaximumEventAgeInSeconds || `21600`", 21600),
        "MaximumRetryAttempts": Property("config.MaximumRetryAttempts", (2, None)),
    },
    put=_put_invocations,
)

_MAPPING_EMPTY: Mapping[str, Any] = {
    "BatchSize": 10,
    "FilterCriteria": {},
    "FunctionResponseTypes": [],
    "MaximumBatchingWindowInSeconds": 0,
    "ScalingConfig": {},
}


def _put_mapping(
    mapping: Intended, names: frozenset[str], _seen: Mapping[str, Any]
) -> Iterator[Call]:
    said = mapping.properties
    changes = {name: said.get(name, _MAPPING_EMPTY.get(name)) for name in names - {"State"}}
    if "State" in names:
        changes["Enabled"] = True
    changes |= {"UUID": mapping.physical_id}
    yield Call("lambda", "update_event_source_mapping", changes)


EVENT_SOURCE_MAPPING = Kind(
    word="event source",
    area="look",
    looks={"mapping": Look("lambda", "get_event_source_mapping", {"UUID": "{id}"})},
    properties={
        "BatchSize": Property("mapping.BatchSize", 10, minor=True),
        "EventSourceArn": Property("mapping.EventSourceArn"),
        "FilterCriteria": Property("mapping.FilterCriteria", {}),
        "FunctionName": Property("mapping.FunctionArn", form=forms.function),
        "FunctionResponseTypes": Property("mapping.FunctionResponseTypes", []),
        "MaximumBatchingWindowInSeconds": Property(
            "mapping.MaximumBatchingWindowInSeconds", (0, None)
        ),
        "ScalingConfig": Property("mapping.ScalingConfig", {}, minor=True),
        "State": Property("mapping.State", ("Enabled", "Enabling", "Creating", "Updating")),
    },
    put=_put_mapping,
    creates=None,
    by_stack=True,
    fixed=frozenset({"EventSourceArn"}),
)
