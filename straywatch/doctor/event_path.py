"""Hear: whether every IAM call that matters reaches the functions, and nothing gets lost."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.events import LOST_EVENTS, SETTLED_EVENTS, rule_pattern
from chalicelib.domain.partitions import HOME_REGIONS
from straywatch.deploy.stack_resources import Resource
from straywatch.doctor.lines import Line, failed, passed, unread, warned
from straywatch.doctor.policies import allows_service
from straywatch.doctor.trails import judge_trails
from straywatch.doctor.world import Gone, Unread, World

PATTERNS = {
    "OnMembershipLost": rule_pattern(LOST_EVENTS),
    "OnMembershipSettled": rule_pattern(SETTLED_EVENTS),
}
"""What the rule of each function must match, by the function's name in the template."""

_ENABLED = ("ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")


def hearing(world: World) -> Iterator[Line]:
    """Judge the way from IAM to the functions."""
    yield _region(world)
    yield _stack(world)
    yield judge_trails(world)
    rules = list(world.of_type("AWS::Events::Rule"))
    for function in (*PATTERNS, "Sweep"):
        own = [rule for rule in rules if rule.logical_id.startswith(function)]
        if not own:
            yield failed(f"rule of {function}", "the stack has none", "straywatch deploy")
        for rule in own:
            yield from _rule(world, function, rule)
        yield _on_failure(world, function)
    for rule in rules:
        if rule.logical_id.startswith("Tamper"):
            yield _watching(world, rule)
    yield _may_dead_letter(world)


def _region(world: World) -> Line:
    home = HOME_REGIONS.get(world.account.partition)
    if home is None:
        return unread("region", f"partition {world.account.partition}'s home region is not known")
    if world.region != home:
        return failed(
            "region",
            f"IAM's events never arrive in {world.region}",
            f"straywatch deploy --region {home}",
        )
    return passed("region", f"{home} hears IAM's events in partition {world.account.partition}")


def _stack(world: World) -> Line:
    status = world.stack.status
    seen = f"{world.stack.name} is in {status}"
    if status.endswith("_IN_PROGRESS"):
        return warned("stack", seen, "wait until CloudFormation is done, then run the doctor again")
    if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"):
        return passed("stack", seen)
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return warned("stack", f"{seen}: the last update failed", "straywatch deploy")
    return failed("stack", f"{seen}: {world.stack.reason or 'no reason told'}", "straywatch deploy")


def _rule(world: World, function: str, rule: Resource) -> Iterator[Line]:
    check = f"rule of {function}"
    name = rule.physical_id.rsplit("|", 1)[-1]
    answer = world.ask("events", "describe_rule", Name=name)
    if isinstance(answer, Unread):
        yield unread(check, answer.why)
        return
    if isinstance(answer, Gone):
        yield failed(check, f"{name} was deleted", "straywatch destroy, then straywatch deploy")
        return
    yield _state(check, name, answer)
    if function in PATTERNS:
        yield _pattern(check, name, answer, PATTERNS[function])
    yield from _target(world, function, name)
    yield _may_invoke(world, function, str(answer.get("Arn", "")))


def _watching(world: World, rule: Resource) -> Line:
    """Whether a rule that tells of tampering is there and enabled."""
    check, name = f"rule {rule.logical_id}", rule.physical_id.rsplit("|", 1)[-1]
    answer = world.ask("events", "describe_rule", Name=name)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if isinstance(answer, Gone):
        return failed(check, f"{name} was deleted", "straywatch destroy, then straywatch deploy")
    return _state(check, name, answer)


def _state(check: str, name: str, answer: Mapping[str, Any]) -> Line:
    state = answer.get("State")
    if state in _ENABLED:
        told = answer.get("ScheduleExpression")
        return passed(check, f"enabled, {told}" if told else "enabled")
    return failed(check, f"{name} is {state}", f"aws events enable-rule --name {shlex.quote(name)}")


def _pattern(check: str, name: str, answer: Mapping[str, Any], needed: Mapping[str, Any]) -> Line:
    try:
        pattern = json.loads(answer.get("EventPattern") or "null")
    except ValueError:
        pattern = None
    if _comparable(pattern) == _comparable(needed):
        names = ", ".join(needed["detail"]["eventName"])
        return passed(f"{check}: pattern", f"matches successful {names} of IAM")
    put = f"aws events put-rule --name {shlex.quote(name)} --event-pattern"
    return failed(
        f"{check}: pattern",
        "matches something else than this version needs",
        f"{put} {shlex.quote(json.dumps(needed))}",
    )


def _comparable(pattern: object) -> object:
    """A pattern in which the order of alternatives does not count."""
    if isinstance(pattern, dict):
        return {key: _comparable(value) for key, value in pattern.items()}
    if isinstance(pattern, list):
        return sorted(json.dumps(item, sort_keys=True) for item in pattern)
    return pattern


def _target(world: World, function: str, rule: str) -> Iterator[Line]:
    check = f"target of {function}"
    answer = world.ask("events", "list_targets_by_rule", Rule=rule)
    if not isinstance(answer, Mapping):
        yield unread(check, answer.why if isinstance(answer, Unread) else f"rule {rule} is gone")
        return
    wanted = world.arn("lambda", f"function:{world.physical_id(function)}")
    dead_letters = world.queue_arn("DeadLetterQueue")
    target = {"Id": function, "Arn": wanted, "DeadLetterConfig": {"Arn": dead_letters}}
    found = [t for t in answer.get("Targets", []) if t.get("Arn") == wanted]
    identity = found[0]["Id"] if found else function
    put = shlex.quote(json.dumps([target | {"Id": identity}]))
    mend = f"aws events put-targets --rule {shlex.quote(rule)} --targets {put}"
    if not found:
        yield failed(check, f"{rule} does not invoke it", mend)
    elif found[0].get("DeadLetterConfig", {}).get("Arn") != dead_letters:
        yield failed(check, "what cannot be delivered within a day is dropped", mend)
    else:
        yield passed(check, "invoked; what cannot be delivered is kept")


def _may_invoke(world: World, function: str, rule_arn: str) -> Line:
    check = f"permission to invoke {function}"
    name = world.physical_id(function)
    answer = world.ask("lambda", "get_policy", FunctionName=name)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    policy = "" if isinstance(answer, Gone) else str(answer.get("Policy", ""))
    if allows_service(policy, "events.amazonaws.com", "lambda:InvokeFunction", rule_arn):
        return passed(check, "the rule may invoke the function")
    return failed(
        check,
        "the rule may not invoke the function: its events go to the dead-letter queue",
        f"aws lambda add-permission --function-name {name} --statement-id straywatch-doctor "
        f"--action lambda:InvokeFunction --principal events.amazonaws.com --source-arn {rule_arn}",
    )


def _on_failure(world: World, function: str) -> Line:
    check = f"failures of {function}"
    name, dead_letters = world.physical_id(function), world.queue_arn("DeadLetterQueue")
    # SAM sets the configuration for this qualifier
    asked = {"FunctionName": name, "Qualifier": "$LATEST"}
    answer = world.ask("lambda", "get_function_event_invoke_config", **asked)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    known = {} if isinstance(answer, Gone) else answer
    target = known.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if target == dead_letters:
        return passed(check, "kept in the dead-letter queue after the last retry")
    config = shlex.quote(json.dumps({"OnFailure": {"Destination": dead_letters}}))
    return failed(
        check,
        "an event that fails three times is dropped",
        f"aws lambda put-function-event-invoke-config --function-name {name} "
        f"--qualifier '$LATEST' --destination-config {config}",
    )


def _may_dead_letter(world: World) -> Line:
    check = "policy of the dead-letter queue"
    url = world.physical_id("DeadLetterQueue")
    answer = world.ask("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["All"])
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    policy = "" if isinstance(answer, Gone) else answer.get("Attributes", {}).get("Policy", "")
    if allows_service(policy, "events.amazonaws.com", "sqs:SendMessage", ""):
        return passed(check, "rules may put there what they cannot deliver")
    return failed(
        check,
        "rules may not put there what they cannot deliver: it is lost",
        "straywatch deploy after removing the queue's own policy, or destroy and deploy",
    )
