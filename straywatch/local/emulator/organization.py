"""An organization as AWS has it: one of many accounts, pages, states, and buses that hear members.

The emulator gives every account an organization of its own, never pages, tells of an account's
`Status` alone, drops what a rule sends to another account's bus, asks neither that bus's policy nor
the rule's role, has the default bus in the ARNs of its rules, knows no
`AWS::Events::EventBusPolicy`, and takes a session's ARN for its role's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, iam, organizations
from ministack.services.cloudformation import provisioners

_PAGE = 20
"""https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html"""
_EMPTY = "empty"
_PAGED = {
    "ListAccounts": "Accounts",
    "ListAccountsForParent": "Accounts",
    "ListOrganizationalUnitsForParent": "OrganizationalUnits",
}
_PUT = "events:PutEvents"
_ACCOUNT = re.compile(rb'"(?:AccountId|ResourceId)": ?"(\d{12})"')
_RULE = re.compile(rb'"Rule": ?"([^"]+)"')
_BODY = 3
"""Where a request's body stands among the arguments that follow its service."""

Answer = tuple[int, Mapping[str, str], bytes]


def install() -> None:
    """Mend all of it."""
    for operation, key in _PAGED.items():
        organizations._DISPATCH[operation] = _paged(organizations._DISPATCH[operation], key)
    describe = organizations._DISPATCH["DescribeAccount"]
    organizations._DISPATCH["DescribeAccount"] = lambda asked: _with_state(describe(asked))
    iam_evaluator._principal_org_id = _organization_of
    _name_accounts()
    _tell_roles_by_their_own_arn()
    _deliver_to_other_accounts()
    _name_rules_with_their_bus()
    provisioners._RESOURCE_HANDLERS["AWS::Events::EventBusPolicy"] = {
        "create": _put_policy,
        "update": lambda _id, _old, new, *_, **__: _put_policy("", new, ""),
        "delete": _remove_policy,
    }


# -- the list of accounts -----------------------------------------------------------------------


def _paged(answer: Callable[[Mapping[str, Any]], Answer], key: str) -> Callable[..., Answer]:
    """The same in pages of 20, an empty one before the last: AWS warns of those."""

    def answer_in_pages(asked: Mapping[str, Any]) -> Answer:
        status, headers, body = answer(asked)
        told = json.loads(body)
        if key not in told:
            return status, headers, body
        found = [_stated(each) for each in told[key]]
        token = str(asked.get("NextToken") or "0")
        if token.startswith(_EMPTY):
            begin, page = int(token.removeprefix(_EMPTY)), []
            more = str(begin)
        else:
            begin = int(token)
            page = found[begin : begin + _PAGE]
            after = begin + _PAGE
            more = f"{_EMPTY}{after}" if after < len(found) else ""
        told = {key: page, **({"NextToken": more} if more else {})}
        return status, headers, json.dumps(told).encode()

    return answer_in_pages


def _with_state(answer: Answer) -> Answer:
    status, headers, body = answer
    told = json.loads(body)
    if "Account" in told:
        told["Account"] = _stated(told["Account"])
    return status, headers, json.dumps(told).encode()


def _stated(account: Mapping[str, Any]) -> dict[str, Any]:
    """`State` in the place of `Status`, which was retired in September 2026."""
    told = dict(account)
    if "Status" in told:
        told["State"] = told.pop("Status")
    return told


def _organization_of(account_id: str) -> str | None:
    """The organization that lists the account, whoever manages it; its own, if none does."""
    for manager, listed in tuple(organizations._accounts._data):
        if listed == account_id and manager != account_id:
            return _id_of(manager)
    return _id_of(account_id)


def _id_of(manager: str) -> str | None:
    found = organizations._orgs.get_scoped(manager, None, "self")
    return found["Id"] if found else None


def _name_accounts() -> None:
    """What a call about one account, or one rule, is about, for policies that name those.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
    """
    extract = iam_actions.extract_resource_arn

    def extract_accounts(service: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - passed on
        body = args[_BODY] if len(args) > _BODY else b""
        found = _ACCOUNT.search(body) if service == "organizations" else None
        manager = responses.get_account_id()
        if found and (organization := _organization_of(manager)):
            account = found[1].decode()
            return f"arn:aws:organizations::{manager}:account/{organization}/{account}"
        told = str(extract(service, *args, **kwargs))
        rule = _RULE.search(body) if service == "events" else None
        if rule and ":rule/" not in told:  # it knows the calls that name it `Name` alone
            about = told.replace(":event-bus/", ":rule/") if told != "*" else _own_rules()
            told = f"{about}/{rule[1].decode()}"
        return told.replace(":rule/default/", ":rule/")

    iam_actions.extract_resource_arn = extract_accounts


def _own_rules() -> str:
    return f"arn:aws:events:{responses.get_region()}:{responses.get_account_id()}:rule"


# -- roles ----------------------------------------------------------------------------------------


def _tell_roles_by_their_own_arn() -> None:
    """`aws:PrincipalArn` of a session is its role's ARN (IAM user guide, global condition keys)."""
    resolve = iam_evaluator._resolve_condition_key

    def resolve_as_aws(key: str, context: Any) -> Any:  # noqa: ANN401 - the emulator's own
        if key.lower() == "aws:principalarn" and ":assumed-role/" in context.principal_arn:
            name = context.principal_arn.split("/")[1]
            role = iam._roles.get_scoped(context.principal_account, None, name)
            return role["Arn"] if role else context.principal_arn
        return resolve(key, context)

    iam_evaluator._resolve_condition_key = resolve_as_aws


# -- buses ----------------------------------------------------------------------------------------


def _put_policy(_: str, properties: Mapping[str, Any], __: str) -> tuple[str, dict[str, str]]:
    bus, sid = properties.get("EventBusName", "default"), properties["StatementId"]
    policy = eventbridge._event_bus_policies.get(bus) or {"Version": "2012-10-17", "Statement": []}
    others = [each for each in policy["Statement"] if each.get("Sid") != sid]
    policy["Statement"] = [*others, {"Sid": sid, **properties["Statement"]}]
    eventbridge._event_bus_policies[bus] = policy
    return f"{bus}|{sid}", {}


def _remove_policy(physical_id: str, _: Mapping[str, Any]) -> None:
    bus, _bar, sid = physical_id.partition("|")
    eventbridge._remove_permission({"EventBusName": bus, "StatementId": sid})


def _name_rules_with_their_bus() -> None:
    """A rule of another bus than the default one is known to its stack as BUS|RULE.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
    """
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Events::Rule"]
    create, update, delete = handlers["create"], handlers["update"], handlers["delete"]

    def named(made: tuple[str, Any], properties: Mapping[str, Any]) -> tuple[str, Any]:
        bus = properties.get("EventBusName", "default")
        return (made[0] if bus == "default" else f"{bus}|{made[0]}"), made[1]

    def created(logical_id: str, properties: Any, stack_name: str) -> tuple[str, Any]:  # noqa: ANN401 - the emulator's own
        return named(create(logical_id, properties, stack_name), properties)

    def updated(physical_id: str, old: Any, new: Any, *rest: Any) -> tuple[str, Any]:  # noqa: ANN401 - as above
        return named(update(physical_id.rpartition("|")[2], old, new, *rest), new)

    def deleted(physical_id: str, properties: Any) -> None:  # noqa: ANN401 - as above
        delete(physical_id.rpartition("|")[2], properties)

    handlers.update(create=created, update=updated, delete=deleted)


@dataclass(frozen=True)
class _Sender:
    """Who forwards: the role of a rule's target, in the rule's account."""

    account_id: str
    role_arn: str


def _deliver_to_other_accounts() -> None:
    """Hand what a rule forwards to the other account's bus, if its policy and the role allow it."""
    invoke, dispatch = eventbridge._invoke_target, eventbridge._dispatch_to_event_bus

    def invoke_across(
        target: Mapping[str, Any],
        event: Mapping[str, Any],
        rule: Mapping[str, Any],
        view: Any = None,  # noqa: ANN401 - the emulator's own
    ) -> None:
        here, arn = responses.get_account_id(), target.get("Arn", "")
        if ":event-bus/" not in arn or parse_arn(arn).account_id == here:
            invoke(target, event, rule, view)
            return
        if event.get("_DispatchPath"):
            return  # forwarded once, never on from there
        sender = _Sender(here, str(target.get("RoleArn", "")))
        if not _may_forward(sender, arn, event):
            return
        spec = parse_arn(arn)
        # the sender stays the event's account, wherever it arrives
        with responses.request_scope(spec.account_id, spec.region):
            dispatch(spec, {**event, "Account": event.get("Account", here)}, rule, set())

    eventbridge._invoke_target = invoke_across


def _may_forward(sender: _Sender, bus_arn: str, event: Mapping[str, Any]) -> bool:
    """By the policies of the role, which must trust EventBridge, and by the bus's policy."""
    name = sender.role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(sender.account_id, None, name)
    if role is None or "events.amazonaws.com" not in json.dumps(role["AssumeRolePolicyDocument"]):
        return False
    spec = parse_arn(bus_arn)
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:sts::{sender.account_id}:assumed-role/{name}/events",
        principal_type="AssumedRole",
        principal_account=sender.account_id,
        action=_PUT,
        resource_arn=bus_arn,
        region=spec.region,
        service_context={
            "events:source": event.get("Source", ""),
            "events:detail-type": event.get("DetailType", ""),
            "events:eventbusinvocation": "true",
        },
    )
    granted = iam_evaluator._gather_role_policies(name, sender.account_id)
    own = iam_evaluator.evaluate(context, granted)
    with responses.request_scope(spec.account_id, spec.region):
        policy = eventbridge._event_bus_policies.get(spec.resource.partition("/")[2])
        theirs = iam_evaluator.evaluate_resource_policy(policy, context)
    return bool(own.decision == "Allow" and theirs.decision == "Allow")
