"""Who made an IAM call and from where, in words that a person knows them by."""

from __future__ import annotations

import re

from chalicelib.domain.account import Account, is_named_by_service
from chalicelib.domain.events import Cause
from chalicelib.text import elided, harmless

_LONGEST = 100
# https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
_SSO_ROLE = re.compile(r"AWSReservedSSO_(.+)_[0-9a-f]{16}")
_SERVICE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.amazonaws\.com(\.cn)?")
_PRODUCT = re.compile(r"(?<!\S)[A-Za-z][\w.+-]*/[\w.+-]+(?!\S)", re.ASCII)
_PARTNERS = ("APN/", "HashiCorp/")  # what Terraform begins with, before its own name
_ARN = re.compile(r"arn:[^:]+:(?:iam|sts)::(?P<account>\d{12}):(?P<resource>.+)")

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
_OTHER_KINDS = {
    "AWSAccount": "somebody in AWS account",
    "AWSService": "the AWS service",
    "Directory": "the directory user",
    "FederatedUser": "the federated user",
    "IAMUser": "IAM user",
    "IdentityCenterUser": "the IAM Identity Center user",
    "Role": "the role",
    "SAMLUser": "the SAML user",
    "WebIdentityUser": "the web identity user",
}


def actor(cause: Cause, account: Account) -> str:
    """Name the caller. Whoever is of another account than `account` is said to be."""
    found = _ARN.fullmatch(cause.actor_arn)
    foreign = bool(found and found["account"] != account.account_id)
    where = f" of account {found['account']}" if found and foreign else ""
    resource = found["resource"] if found else cause.actor_arn
    return harmless(elided(_named(cause.actor_type, resource) + where, _LONGEST))


def _named(kind: str, resource: str) -> str:
    """Name a principal by its kind, and by its ARN's last part or what else the record has."""
    name = resource.rpartition("/")[2]
    if kind == "Root":
        return "the root user"
    if kind == "AssumedRole" and resource.startswith("assumed-role/"):
        return _session(*resource.split("/", 1)[1].rpartition("/")[::2])
    if not resource:
        known = kind in _OTHER_KINDS or kind == "AssumedRole"
        return f"a caller of type {kind}, not named" if known else "a caller not named"
    if kind in _OTHER_KINDS:
        return f"{_OTHER_KINDS[kind]} {name}"
    return f"{name}, a caller of type {kind}"


def _session(role: str, session: str) -> str:
    role = role.rpartition("/")[2]
    permission_set = _SSO_ROLE.fullmatch(role)
    if permission_set:
        return f"{session}, signed in through SSO as {permission_set[1]}"
    return f"{session} in role {role}" if role else f"a session of role {session}"


def deed(cause: Cause) -> str:
    """The call itself: `CreateUser`, `RemoveUserFromGroup (group admins)`."""
    group = f" (group {elided(cause.group_name, 64)})" if cause.group_name else ""
    return harmless(cause.event_name + group)


def place(cause: Cause) -> str:
    """The address and the program that the call came from, or the service that made it."""
    if _SERVICE.fullmatch(cause.source_ip):
        return f"by way of {cause.source_ip}"
    address = cause.source_ip or "an address not told"
    agent = f", with {program(cause.user_agent)}" if cause.user_agent else ""
    return harmless(elided(address, 45) + agent)


def program(user_agent: str) -> str:
    """The program's name and version, without what else it tells of itself."""
    named = [name for name in _PRODUCT.findall(user_agent) if not name.startswith(_PARTNERS)]
    return harmless(elided(named[0] if named else user_agent, 40))


def made_by_service(user_name: str, cause: Cause | None) -> bool:
    """Whether it looks as if an AWS service had made the user for its own use."""
    if is_named_by_service(user_name):
        return True
    if cause is None or cause.event_name != "CreateUser":
        return False
    return cause.actor_type == "AWSService" or bool(_SERVICE.fullmatch(cause.source_ip))
