"""A plan as a Terraform configuration: groups, their policies, and the users who join them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from straywatch.remediation.planning.plan import Plan, PlannedGroup, PlannedUser
from straywatch.text import one_line

_HEAD = """\
# {groups} new groups, {users} users, in account {account} and no other.
# Direct policies stay: once this is applied, `straywatch apply PLAN --yes --detach-direct` proves
# that the groups give the same, and removes them. Nothing here can be destroyed by accident, as
# the users' access then hangs on it: take `prevent_destroy` out where that is what you want.

terraform {{
  required_version = ">= 1.2"
  required_providers {{
    aws = {{
      source = "hashicorp/aws"
    }}
  }}
}}

data "aws_caller_identity" "now" {{
  lifecycle {{
    postcondition {{
      condition     = self.account_id == {account_text}
      error_message = "These credentials are not for the account of the plan."
    }}
  }}
}}
"""

_UNKNOWN = {"\b": "\\u0008", "\f": "\\u000c"}
"""Escapes of JSON that HCL lacks."""


def as_terraform(plan: Plan) -> str:
    """The plan as HCL for hashicorp/aws.

    It checks account and user ids when it is planned; nobody joins a group before it has its
    policies; memberships are added to those that users have.
    """
    account = plan.before.account.account_id
    head = _HEAD.format(
        groups=len(plan.new_groups),
        users=len(plan.users),
        account=account,
        account_text=_quoted(account),
    )
    parts = [head, *(_group(group) for group in plan.new_groups)]
    parts += [_user(user, plan) for user in plan.users if user.join]
    return "\n".join(parts)


def _group(group: PlannedGroup) -> str:
    label = _label(group.name)
    lines = [
        *_comment(group.why),
        f'resource "aws_iam_group" "{label}" {{',
        f"  name       = {_quoted(group.name)}",
        f"  path       = {_quoted(group.path)}",
        "  depends_on = [data.aws_caller_identity.now]",
        "  lifecycle {",
        "    prevent_destroy = true",
        "  }",
        "}",
    ]
    for address, arn in _attachments(group):
        lines += [
            "",
            f'resource "aws_iam_group_policy_attachment" "{address}" {{',
            f"  group      = aws_iam_group.{label}.name",
            f"  policy_arn = {_quoted(arn)}",
            "}",
        ]
    for address, name, document in _documents(group):
        lines += [
            "",
            f'resource "aws_iam_group_policy" "{address}" {{',
            f"  name  = {_quoted(name)}",
            f"  group = aws_iam_group.{label}.name",
            f"  policy = jsonencode({_value(document, 2)})",
            "}",
        ]
    return "\n".join(lines) + "\n"


def _attachments(group: PlannedGroup) -> Iterator[tuple[str, str]]:
    for arn in group.attach:
        yield _label(f"{group.name}/{arn}"), arn


def _documents(group: PlannedGroup) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, document in group.inline.items():
        yield _label(f"{group.name}/{name}"), name, document


def _user(user: PlannedUser, plan: Plan) -> str:
    label = _label(user.name)
    groups, needed = [], []
    for name in user.join:
        group = plan.group(name)
        if group is None or not group.create:
            groups.append(_quoted(name))
            continue
        groups.append(f"aws_iam_group.{_label(name)}.name")
        needed += [f"aws_iam_group_policy_attachment.{a}" for a, _ in _attachments(group)]
        needed += [f"aws_iam_group_policy.{a}" for a, _, _ in _documents(group)]
    return "\n".join(
        [
            *_comment(user.why),
            f'data "aws_iam_user" "{label}" {{',
            f"  user_name = {_quoted(user.name)}",
            "  lifecycle {",
            "    postcondition {",
            f"      condition     = self.user_id == {_quoted(user.user_id)}",
            '      error_message = "This user is not the one of the plan: make a new plan."',
            "    }",
            "  }",
            "}",
            "",
            f'resource "aws_iam_user_group_membership" "{label}" {{',
            f"  user       = data.aws_iam_user.{label}.user_name",
            f"  groups     = [{', '.join(groups)}]",
            f"  depends_on = [{', '.join(needed)}]",
            "  lifecycle {",
            "    prevent_destroy = true",
            "  }",
            "}\n",
        ]
    )


def _comment(why: str) -> list[str]:
    return [f"# {one_line(why)}"] if why else []


def _label(name: str) -> str:
    """A name that Terraform takes, unique for each name: what differs in marks gets a digest."""
    mark = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"g_{re.sub(r'[^A-Za-z0-9_]', '_', name.rsplit('/', 1)[-1])[:60]}_{mark}"


def _quoted(text: str) -> str:
    """A text in which Terraform reads neither a template nor an escape that it does not know."""
    parts = (
        _UNKNOWN.get(letter) or json.dumps(letter, ensure_ascii=False)[1:-1] for letter in text
    )
    return '"' + "".join(parts).replace("${", "$${").replace("%{", "%%{") + '"'


def _value(value: object, indent: int) -> str:
    """A value of JSON in Terraform's own form, which reads well in a diff."""
    space = " " * (indent + 2)
    if isinstance(value, Mapping):
        lines = [f"{space}{_quoted(k)} = {_value(v, indent + 2)}" for k, v in value.items()]
        return "\n".join(["{", *lines, " " * indent + "}"])
    if isinstance(value, list | tuple):
        lines = [f"{space}{_value(v, indent + 2)}," for v in value]
        return "\n".join(["[", *lines, " " * indent + "]"]) if lines else "[]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)
