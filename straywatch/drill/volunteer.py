"""The user of a drill: without credentials, under a path of its own, and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from straywatch.errors import StraywatchError, explain
from straywatch.text import visible

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

PATH = "/straywatch-drill/"
PREFIX = "straywatch-drill-"


@dataclass(frozen=True)
class Volunteer:
    """The user as IAM made it."""

    name: str
    user_id: str
    arn: str
    created_at: datetime


def new_name() -> str:
    """A name that nobody can guess: a note of it mutes this user's pages and nobody else's."""
    return f"{PREFIX}{secrets.token_hex(8)}"


def enlist(iam: IAMClient, name: str) -> Volunteer:
    """Make the user. Raises ClientError."""
    user = iam.create_user(UserName=name, Path=PATH)["User"]
    return Volunteer(name, user["UserId"], user["Arn"], user["CreateDate"])


def dismiss(iam: IAMClient, name: str) -> None:
    """Delete the user, if it is there. Raises StraywatchError, saying how to do it by hand."""
    try:
        iam.delete_user(UserName=name)
    except iam.exceptions.NoSuchEntityException:
        return
    except iam.exceptions.DeleteConflictException as error:
        raise StraywatchError(
            f"the user {name} of a drill was not deleted, because somebody has given it something "
            f"({explain(error)}): find out who, then `aws iam delete-user --user-name {name}`"
        ) from error
    except ClientError as error:
        raise StraywatchError(
            f"the user {name} of a drill was not deleted ({explain(error)}): "
            f"`aws iam delete-user --user-name {name}`"
        ) from error


def leftovers(iam: IAMClient) -> Sequence[str]:
    """Return the names of users that earlier drills have left behind. Raises ClientError.

    A user of another name in the path is none of ours, and is left alone.
    """
    pages = iam.get_paginator("list_users").paginate(PathPrefix=PATH)
    names = (user["UserName"] for page in pages for user in page["Users"])
    return [visible(name) for name in names if name.startswith(PREFIX)]
