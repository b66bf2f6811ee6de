"""May each function do what its packaged policy names? Asked of IAM's own simulator."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.doctor.lines import Line, failed, passed, unread, untold
from straywatch.doctor.world import Unread, World

_SAMPLE = "straywatch-doctor"
_SUB = re.compile(r"\$\{([^}]+)\}")


def simulated(world: World, function: str, role_arn: str) -> Line:
    """Ask about each statement of the function's policy, on the stack's own resources."""
    check = f"permissions of {function}"
    if isinstance(world.checkout, Unread):
        return unread(check, world.checkout.why)
    policy = world.checkout.policies.get(function)
    if policy is None:
        return untold(check, "this checkout packages no policy for it")
    denied: set[str] = set()
    asked = 0
    for actions, resources in _statements(world, policy):
        answer = world.ask(
            "iam",
            "simulate_principal_policy",
            PolicySourceArn=role_arn,
            ActionNames=actions,
            ResourceArns=resources,
        )
        if not isinstance(answer, Mapping):
            return unread(check, answer.why if isinstance(answer, Unread) else "its role is gone")
        for result in answer.get("EvaluationResults", []):
            asked += 1
            if result.get("EvalDecision") != "allowed" and not result.get("MissingContextValues"):
                denied.add(str(result.get("EvalActionName")))
    if denied:
        seen = f"it may not {', '.join(sorted(denied))}"
        mend = f"restore the role's policy: straywatch destroy, then deploy; role {role_arn}"
        return failed(check, seen, mend)
    return passed(check, f"all {asked} that it needs, by simulation")


def _statements(world: World, policy: Mapping[str, Any]) -> Iterator[tuple[list[str], list[str]]]:
    """Each statement's actions, and its resources as ARNs that the simulator takes."""
    for statement in policy.get("Statement", []):
        if statement.get("Effect") != "Allow":
            continue
        resources = listed(statement.get("Resource", []))
        known = [arn for arn in (_arn(world, resource) for resource in resources) if arn]
        if known:
            yield listed(statement.get("Action", [])), known


def _arn(world: World, resource: object) -> str:
    """The ARN behind a template's expression; empty for a resource that the stack lacks."""
    if isinstance(resource, str):
        return resource if resource == "*" else resource.replace("*", _SAMPLE)
    if not isinstance(resource, Mapping):
        return ""
    if "Ref" in resource:
        return _of_resource(world, str(resource["Ref"]))
    if "Fn::GetAtt" in resource:
        named = resource["Fn::GetAtt"]
        return _of_resource(
            world, str(named[0] if isinstance(named, list) else named.split(".")[0])
        )
    if isinstance(resource.get("Fn::Sub"), str):
        return _substituted(world, resource["Fn::Sub"]).replace("*", _SAMPLE)
    return ""


def _substituted(world: World, text: str) -> str:
    known = {
        "AWS::Partition": world.account.partition,
        "AWS::AccountId": world.account.account_id,
        "AWS::Region": world.region,
        "AWS::StackName": world.stack.name,
    }

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return known.get(name) or _of_resource(world, name.split(".")[0])

    return _SUB.sub(value, text)


def _of_resource(world: World, logical_id: str) -> str:
    """The ARN of one of the stack's resources."""
    found = next((r for r in world.resources if r.logical_id == logical_id), None)
    if found is None:
        return ""
    name = found.physical_id
    match found.resource_type:
        case "AWS::SQS::Queue":
            return world.queue_arn(logical_id)
        case "AWS::DynamoDB::Table":
            return world.arn("dynamodb", f"table/{name}")
        case "AWS::Logs::LogGroup":
            return world.arn("logs", f"log-group:{name}:*")
        case "AWS::KMS::Key":
            return world.arn("kms", f"key/{name}")
        case "AWS::Lambda::Function":
            return world.arn("lambda", f"function:{name}")
        case _:
            return name
