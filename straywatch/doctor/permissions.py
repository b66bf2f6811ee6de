"""May each function do what its role's policy in the template allows? Asked of IAM's simulator.

The simulator also counts what the policy cannot tell: a permissions boundary, an organization's
policies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.policies import listed
from straywatch.doctor.intended import Intended
from straywatch.doctor.lines import Line, failed, passed, unread, untold
from straywatch.doctor.repairing import plan
from straywatch.doctor.world import Unread, World

_SAMPLE = "straywatch-doctor"


def simulated(world: World, function: str, role_arn: str) -> Line:
    """Ask about each statement of the function's role, on the stack's own resources."""
    check = f"permissions of {function}"
    role = _role(world, function)
    if role is None:
        return untold(check, "the stack's template gives it no role")
    if role.arn != role_arn:
        return untold(check, "it has another role than the template gives it")
    denied: set[str] = set()
    by_organization = False
    asked = 0
    for actions, resources in _statements(role):
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
                organization = result.get("OrganizationsDecisionDetail", {})
                by_organization |= organization.get("AllowedByOrganizations") is False
    if not denied:
        return passed(check, f"all {asked} that it needs, by simulation")
    seen = f"it may not {', '.join(sorted(denied))}"
    if by_organization:
        return failed(check, seen, advice="a policy of your organization denies it: ask its owners")
    if plan(world, [role.logical_id]):
        return failed(check, seen, world.repair(role.logical_id))
    advice = f"{role.logical_id} is as its template has it: IAM's policy simulator says what denies"
    return failed(check, seen, advice=advice)


def _role(world: World, function: str) -> Intended | None:
    """The role that the template gives to the function."""
    found = next((f for f in world.intended if f.logical_id == function), None)
    arn = found.properties.get("Role") if found else None
    return next((r for r in world.intended if r.arn and r.arn == arn), None)


def _statements(role: Intended) -> Iterator[tuple[list[str], list[str]]]:
    """Each statement's actions, and its resources as ARNs that the simulator takes."""
    for policy in listed(role.properties.get("Policies", [])):
        document = policy["PolicyDocument"] if isinstance(policy, Mapping) else {}
        for statement in listed(document.get("Statement", [])):
            if statement.get("Effect") == "Allow":
                yield listed(statement.get("Action", [])), list(map(_arn, _resources(statement)))


def _resources(statement: Mapping[str, Any]) -> list[str]:
    return listed(statement.get("Resource", "*"))


def _arn(resource: str) -> str:
    return resource if resource == "*" else resource.replace("*", _SAMPLE)
