"""What to type and where to click to mend a finding, safe to paste into a shell."""

from __future__ import annotations

import shlex
from urllib.parse import quote

# https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html and the partitions'
# own sign-in pages
_CONSOLES = {
    "aws": "https://us-east-1.console.aws.amazon.com",
    "aws-cn": "https://console.amazonaws.cn",
    "aws-us-gov": "https://console.amazonaws-us-gov.com",
}


_EXEMPT = (
    "Key=straywatch:exempt,Value='why it needs no group' "
    "Key=straywatch:exempt-until,Value=YYYY-MM-DD"
)


def fix_commands(user_name: str) -> tuple[str, ...]:
    """AWS CLI commands that mend it: see the groups, make one, add the user, or exempt it."""
    name = shlex.quote(user_name)
    return (
        "aws iam list-groups --query 'Groups[].GroupName'",
        "aws iam create-group --group-name GROUP",
        f"aws iam add-user-to-group --group-name GROUP --user-name {name}",
        f"aws iam tag-user --user-name {name} --tags {_EXEMPT}",
    )


def console_url(partition: str, user_name: str) -> str:
    """The user's page in the partition's IAM console."""
    host = _CONSOLES.get(partition, _CONSOLES["aws"])
    return f"{host}/iam/home#/users/details/{quote(user_name, safe='')}"
