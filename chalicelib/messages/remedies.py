"""What to type and where to click to fix a finding, safe to paste into a shell.

Where a person has to choose, the command holds a parameter such as `${GROUP:?name the group}`: as
long as it is not set, every POSIX shell refuses to run the command, and says why.
"""

from __future__ import annotations

import json
import re
import shlex
from datetime import datetime, timedelta
from urllib.parse import quote

from chalicelib.domain.alerts import Notice
from chalicelib.domain.events import Cause
from chalicelib.domain.findings import Finding
from chalicelib.domain.partitions import HOME_REGIONS
from chalicelib.messages.actors import made_by_service
from chalicelib.text import plain

LIST_COMMAND = "straywatch findings list"
EXEMPT_FOR = timedelta(days=30)
"""How far off the end of the suggested exemption is: time to decide, and then to look again."""

_GROUP = "${GROUP:?name the group}"
_WHY = "${WHY:?say why}"
_FIND = "set GROUP=name first; `straywatch plan` finds one"

Way = tuple[str, tuple[str, ...]]
"""What commands are for, and the commands."""

# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateGroup.html (GroupName)
_GROUP_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,128}")

# from the partitions' own sign-in pages
_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}


def fix_commands(finding: Finding, group: str = "") -> tuple[str, ...]:
    """AWS CLI commands that fix it: put the user in a group (`group` if given), or exempt it."""
    return (*join_commands(finding, group), exempt_command_of(finding))


def ways_out(finding: Finding, group: str = "") -> tuple[Way, Way]:
    """The two ways to fix it, the likelier one first: what each is for, and its commands."""
    known = group or left_group(finding.cause)
    if known and not group:
        join = "put it back, if that is right, or into another group:"
    else:
        join = "put it in a group" + ("" if known else f" ({_FIND})") + ":"
    exempt = "exempt it (set WHY='your reason' first):"
    ways = [(join, join_commands(finding, group)), (exempt, (exempt_command_of(finding),))]
    if made_by_service(finding.user_name, finding.cause):
        ways.reverse()
    (first, doing), (second, otherwise) = ways
    return (f"EITHER {first}", doing), (f"OR {second}", otherwise)


def join_commands(finding: Finding, group: str = "") -> tuple[str, ...]:
    """AWS CLI commands that put the user in `group`, else back into the one they left, if known."""
    known = group or left_group(finding.cause)
    if known:
        return (join_command(finding.user_name, known),)
    return group_commands(finding.user_name)


def notice_commands(notice: Notice) -> tuple[str, ...]:
    """Commands that tell more about it."""
    if notice.user_name:
        return (history_command(notice.account.partition, notice.user_name),)
    return ("straywatch doctor", "straywatch redrive")


def group_commands(user_name: str) -> tuple[str, ...]:
    """AWS CLI commands that show what groups there are, and put the user in the one in `GROUP`."""
    return (
        "aws iam list-groups --query 'Groups[].GroupName' --output text",
        f'aws iam add-user-to-group --group-name "{_GROUP}" {_option("user-name", user_name)}',
    )


def join_command(user_name: str, group_name: str) -> str:
    """The AWS CLI command that puts the user in a group that there is."""
    group, user = _option("group-name", group_name), _option("user-name", user_name)
    return f"aws iam add-user-to-group {group} {user}"


def left_group(cause: Cause | None) -> str:
    """The group whose loss made the user a stray; empty if that was not it, or not a group's name.

    What the event calls a group is the word of whoever made the call.
    """
    if cause is None or not cause.took_out:
        return ""
    return cause.group_name if _GROUP_NAME.fullmatch(cause.group_name) else ""


def exempt_command_of(finding: Finding) -> str:
    """The AWS CLI command that exempts the finding's user."""
    return exempt_command(finding.user_name, finding.alerted_at or finding.opened_at)


def exempt_command(user_name: str, now: datetime) -> str:
    """The AWS CLI command that exempts the user by tag, with the reason in `WHY`, and an end."""
    until = (now + EXEMPT_FOR).strftime("%Y-%m-%d")
    return (
        f'aws iam tag-user {_option("user-name", user_name)} --tags "Key=straywatch:exempt,'
        f'Value={_WHY}" Key=straywatch:exempt-until,Value={until}'
    )


def history_command(partition: str, user_name: str) -> str:
    """The AWS CLI command that shows what was done to the user in the last 90 days."""
    region = HOME_REGIONS.get(partition, "us-east-1")
    name = json.dumps(plain(user_name), ensure_ascii=False)  # a comma would end the value
    attribute = shlex.quote(f"AttributeKey=ResourceName,AttributeValue={name}")
    return f"aws cloudtrail lookup-events --region {region} --lookup-attributes {attribute}"


def console_url(partition: str, user_name: str) -> str:
    """The user's page in the partition's IAM console; empty where no console is known."""
    return _link(partition, f"/iam/home#/users/details/{_in_link(user_name)}")


def users_url(partition: str) -> str:
    """The list of users in the partition's IAM console; empty where no console is known."""
    return _link(partition, "/iam/home#/users")


def cloudtrail_url(partition: str, cause: Cause | None, user_name: str) -> str:
    """CloudTrail's event history, at the very call or else at all about the user."""
    key, value = ("EventId", cause.event_id) if cause else ("", "")
    if not value:
        key, value = "ResourceName", user_name
    query = f"region={HOME_REGIONS.get(partition)}#/events?{key}={_in_link(value)}"
    return _link(partition, f"/cloudtrailv2/home?{query}")


def _link(partition: str, path: str) -> str:
    """A link, or nothing: one into another partition's console would only mislead."""
    known = _CONSOLES.get(partition)
    return f"https://{HOME_REGIONS[partition]}.{known}{path}" if known else ""


def _in_link(text: str) -> str:
    return quote(text, safe="")


def _option(option: str, value: str) -> str:
    """An option and its value: joined where the value looks like an option itself."""
    joint = "=" if value.startswith("-") else " "
    return f"--{option}{joint}{shlex.quote(plain(value))}"
