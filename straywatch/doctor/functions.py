"""Look: whether the functions run this code, with valid settings, and may do what they must."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.domain.exemptions import InvalidConfigurationError, parse
from chalicelib.settings import InvalidSettingsError, settings_from
from straywatch.doctor.lines import Line, failed, passed, unread, untold, warned
from straywatch.doctor.permissions import simulated
from straywatch.doctor.world import ApiResponse, Gone, Unread, World

CORE = ("OnMembershipLost", "OnMembershipSettled", "CheckMembership", "Sweep", "Heartbeat")
"""The functions that every deployment has, by their names in the template."""

_OUTPUTS = {
    "ALERT_TOPIC_ARN": "AlertTopicArn",
    "CHECK_QUEUE_URL": "CheckQueueUrl",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
    "FINDINGS_TABLE": "FindingsTableName",
    "STATE_TABLE": "StateTableName",
    "CONFIG_PARAMETER": "ConfigParameterName",
}
"""Settings that name a thing of the stack, and the output that names it, too."""


def looking(world: World) -> Iterator[Line]:
    """Judge the functions, what feeds them and what they may do."""
    functions = [*CORE]
    functions += [
        r.logical_id for r in world.of_type("AWS::Lambda::Function") if r.logical_id not in CORE
    ]
    for function in functions:
        yield from _function(world, function)
    yield from _mapping(world)
    yield _configuration(world)


def _function(world: World, function: str) -> Iterator[Line]:
    check, name = f"function {function}", world.physical_id(function)
    if not name:
        yield failed(check, "the stack has none", "straywatch deploy")
        return
    answer = world.ask("lambda", "get_function_configuration", FunctionName=name)
    if isinstance(answer, Unread):
        yield unread(check, answer.why)
        return
    if isinstance(answer, Gone):
        yield failed(check, f"{name} was deleted", "straywatch destroy, then straywatch deploy")
        return
    yield _state(check, answer)
    yield _version(world, f"{check}: version", answer)
    if function in CORE:
        yield _settings(world, f"{check}: settings", answer)
    yield _concurrency(world, f"{check}: concurrency", name)
    yield simulated(world, function, str(answer.get("Role", "")))


def _state(check: str, answer: Mapping[str, Any]) -> Line:
    state, update = answer.get("State", "Active"), answer.get("LastUpdateStatus", "Successful")
    if state in ("Active", "Inactive") and update == "Successful":
        return passed(check, f"{state.lower()}, {answer.get('Runtime')}")
    reason = answer.get("StateReason") or answer.get("LastUpdateStatusReason") or "no reason told"
    seen = f"is {state}, last update {update}: {reason}"
    if "Pending" in state or update == "InProgress":
        return warned(check, seen, "wait a minute, then run the doctor again")
    return failed(check, seen, "straywatch deploy")


def _version(world: World, check: str, answer: Mapping[str, Any]) -> Line:
    if isinstance(world.checkout, Unread):
        return unread(check, world.checkout.why)
    if answer.get("CodeSha256") == world.checkout.code_sha256:
        return passed(check, "runs the code of this checkout")
    return warned(check, "runs other code than this checkout", "straywatch deploy")


def _settings(world: World, check: str, answer: Mapping[str, Any]) -> Line:
    environment = answer.get("Environment", {}).get("Variables", {})
    try:
        settings = settings_from(environment)
    except InvalidSettingsError as error:
        return failed(check, str(error), "straywatch deploy with the parameters named")
    outputs = world.stack.outputs
    wrong = [
        name
        for name, output in _OUTPUTS.items()
        if output in outputs and environment[name] != outputs[output]
    ]
    if wrong:
        seen = f"{', '.join(wrong)} point elsewhere than to this stack"
        return failed(check, seen, "straywatch destroy, then straywatch deploy")
    return passed(check, f"valid; grace period {settings.grace_period_seconds} s")


def _concurrency(world: World, check: str, name: str) -> Line:
    answer = world.ask("lambda", "get_function_concurrency", FunctionName=name)
    if not isinstance(answer, Mapping):
        return unread(check, answer.why if isinstance(answer, Unread) else f"{name} is gone")
    reserved = answer.get("ReservedConcurrentExecutions")
    if reserved == 0:
        mend = f"aws lambda delete-function-concurrency --function-name {name}"
        return failed(check, "none is left to it: it never runs", mend)
    return passed(check, "not reserved" if reserved is None else f"{reserved} reserved")


def _mapping(world: World) -> Iterator[Line]:
    check = "check queue to CheckMembership"
    mappings = world.of_type("AWS::Lambda::EventSourceMapping")
    found = [r for r in mappings if r.logical_id.startswith("CheckMembership")]
    if not found:
        yield failed(check, "the stack has no event source mapping", "straywatch deploy")
    for resource in found:
        uuid = resource.physical_id
        answer = world.ask("lambda", "get_event_source_mapping", UUID=uuid)
        yield _mapped(check, uuid, answer, world.queue_arn("CheckQueue"))


def _mapped(check: str, uuid: str, answer: ApiResponse, queue_arn: str) -> Line:
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if isinstance(answer, Gone):
        return failed(check, "it was deleted", "straywatch destroy, then straywatch deploy")
    update = f"aws lambda update-event-source-mapping --uuid {uuid}"
    state = answer.get("State")
    if state in ("Disabled", "Disabling"):
        return failed(check, f"is {state}: no check is ever made", f"{update} --enabled")
    if answer.get("EventSourceArn") != queue_arn:
        mend = "straywatch destroy, then straywatch deploy"
        return failed(check, "takes from another queue", mend)
    if "ReportBatchItemFailures" not in (answer.get("FunctionResponseTypes") or []):
        return failed(
            check,
            "one bad message repeats the good ones beside it",
            f"{update} --function-response-types ReportBatchItemFailures",
        )
    if state != "Enabled":
        return warned(check, f"is {state}", "wait a minute, then run the doctor again")
    return passed(check, "enabled; failed checks come again by themselves")


def _configuration(world: World) -> Line:
    check = "exemptions"
    name = world.stack.outputs.get("ConfigParameterName", "")
    if not name:
        return failed(check, "the stack names no parameter for them", "straywatch deploy")
    answer = world.ask("ssm", "get_parameter", Name=name, WithDecryption=True)
    if isinstance(answer, Unread):
        return unread(check, answer.why)
    if isinstance(answer, Gone):
        return passed(check, f"none by configuration ({name} is not there); tags exempt")
    try:
        rules = parse(answer["Parameter"]["Value"]).rules
    except InvalidConfigurationError as error:
        mend = "straywatch exemptions check FILE, then straywatch exemptions put FILE"
        return failed(check, f"{name} is refused, an older one is in force: {error}", mend)
    except KeyError as error:
        return untold(check, f"the parameter came without {error}")
    return passed(check, f"{name} is valid: {len(rules)} by configuration")
