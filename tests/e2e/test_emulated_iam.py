"""IAM on the emulator, where the bridge mends it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from straywatch.local.emulator.process import LocalAws
from tests.aws_model import unchecked

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"}],
    }
)


@pytest.fixture
def iam(aws: LocalAws) -> IAMClient:
    """IAM as root."""
    client: IAMClient = aws.session().client("iam")
    return client


def unique(stem: str) -> str:
    """Return a name that no other test uses."""
    return f"{stem}-{uuid.uuid4().hex[:8]}"


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    """Return the code of a refused call."""
    return error.value.response["Error"]["Code"]


def test_a_rename_keeps_all_that_belongs_to_the_user(iam: IAMClient) -> None:
    """Id, memberships, policies, keys and login stay; name, path and ARN change."""
    old, new, group = unique("old"), unique("new"), unique("group")
    iam.create_group(GroupName=group)
    user_id = iam.create_user(UserName=old)["User"]["UserId"]
    iam.add_user_to_group(UserName=old, GroupName=group)
    iam.put_user_policy(UserName=old, PolicyName="p", PolicyDocument=POLICY)
    key_id = iam.create_access_key(UserName=old)["AccessKey"]["AccessKeyId"]
    iam.create_login_profile(UserName=old, Password="correct horse")

    iam.update_user(UserName=old, NewUserName=new, NewPath="/ward/")

    user = iam.get_user(UserName=new)["User"]
    assert (user["UserId"], user["Path"]) == (user_id, "/ward/")
    assert user["Arn"] == f"arn:aws:iam::000000000000:user/ward/{new}"
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName=new)["Groups"]] == [group]
    assert [u["UserName"] for u in iam.get_group(GroupName=group)["Users"]] == [new]
    assert iam.list_user_policies(UserName=new)["PolicyNames"] == ["p"]
    keys = iam.list_access_keys(UserName=new)["AccessKeyMetadata"]
    assert [key["AccessKeyId"] for key in keys] == [key_id]
    assert iam.get_login_profile(UserName=new)["LoginProfile"]["UserName"] == new
    with pytest.raises(ClientError) as gone:
        iam.get_user(UserName=old)
    assert refusal(gone) == "NoSuchEntity"


def test_a_path_may_change_alone_and_a_name_in_its_case_only(iam: IAMClient) -> None:
    """UpdateUser takes a path without a name, and a new spelling of the same name."""
    name = unique("casey")
    iam.create_user(UserName=name)

    iam.update_user(UserName=name, NewPath="/a/")
    iam.update_user(UserName=name, NewUserName=name.upper())

    user = iam.get_user(UserName=name)["User"]
    assert (user["UserName"], user["Path"]) == (name.upper(), "/a/")


def test_renames_that_iam_refuses(aws: LocalAws, iam: IAMClient) -> None:
    """A name that is taken in any case, a user that does not exist, a name out of pattern."""
    one, two = unique("one"), unique("two")
    iam.create_user(UserName=one)
    iam.create_user(UserName=two)

    with pytest.raises(ClientError) as taken:
        iam.update_user(UserName=one, NewUserName=two.upper())
    with pytest.raises(ClientError) as unknown:
        iam.update_user(UserName=unique("nobody"), NewUserName="x")
    with pytest.raises(ClientError) as misspelt:
        unchecked(aws.session().client("iam")).update_user(UserName=one, NewUserName="a b")

    assert refusal(taken) == "EntityAlreadyExists"
    assert refusal(unknown) == "NoSuchEntity"
    assert refusal(misspelt) == "ValidationError"
    assert iam.get_user(UserName=one)["User"]["UserName"] == one


def test_a_group_may_be_renamed(iam: IAMClient) -> None:
    """UpdateGroup keeps id, members and policies."""
    old, new, user = unique("old"), unique("new"), unique("user")
    group_id = iam.create_group(GroupName=old)["Group"]["GroupId"]
    iam.put_group_policy(GroupName=old, PolicyName="p", PolicyDocument=POLICY)
    iam.create_user(UserName=user)
    iam.add_user_to_group(UserName=user, GroupName=old)

    iam.update_group(GroupName=old, NewGroupName=new)

    group = iam.get_group(GroupName=new)
    assert group["Group"]["GroupId"] == group_id
    assert [member["UserName"] for member in group["Users"]] == [user]
    assert iam.list_group_policies(GroupName=new)["PolicyNames"] == ["p"]


def test_names_are_one_whatever_their_case(iam: IAMClient) -> None:
    """A second user of the same letters is refused, and the first is found by either spelling."""
    name = unique("Alice")
    iam.create_user(UserName=name)

    with pytest.raises(ClientError) as taken:
        iam.create_user(UserName=name.lower())

    assert refusal(taken) == "EntityAlreadyExists"
    assert iam.get_user(UserName=name.upper())["User"]["UserName"] == name


def test_a_user_is_deleted_only_when_nothing_hangs_on_it(iam: IAMClient) -> None:
    """Membership, inline policy and login each stand in the way, as on AWS."""
    name, group = unique("user"), unique("group")
    iam.create_user(UserName=name)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(UserName=name, GroupName=group)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=POLICY)
    iam.create_login_profile(UserName=name, Password="correct horse")
    in_the_way: tuple[Callable[[], object], ...] = (
        lambda: iam.remove_user_from_group(UserName=name, GroupName=group),
        lambda: iam.delete_user_policy(UserName=name, PolicyName="p"),
        lambda: iam.delete_login_profile(UserName=name),
    )

    for clear in in_the_way:
        with pytest.raises(ClientError) as conflict:
            iam.delete_user(UserName=name)
        assert refusal(conflict) == "DeleteConflict"
        clear()
    iam.delete_user(UserName=name)

    with pytest.raises(ClientError) as gone:
        iam.get_user(UserName=name)
    assert refusal(gone) == "NoSuchEntity"


def test_a_group_is_deleted_only_when_empty(iam: IAMClient) -> None:
    """A member stands in the way of deleting its group."""
    name, group = unique("user"), unique("group")
    iam.create_user(UserName=name)
    iam.create_group(GroupName=group)
    iam.add_user_to_group(UserName=name, GroupName=group)

    with pytest.raises(ClientError) as conflict:
        iam.delete_group(GroupName=group)

    assert refusal(conflict) == "DeleteConflict"


def test_ten_groups_are_enough(iam: IAMClient) -> None:
    """A user can be in ten groups; the eleventh is refused."""
    name = unique("user")
    iam.create_user(UserName=name)
    groups = [unique("group") for _ in range(11)]
    for group in groups:
        iam.create_group(GroupName=group)
    for group in groups[:10]:
        iam.add_user_to_group(UserName=name, GroupName=group)

    with pytest.raises(ClientError) as full:
        iam.add_user_to_group(UserName=name, GroupName=groups[10])

    assert refusal(full) == "LimitExceeded"


def test_tags_come_back_as_they_were_written(aws: LocalAws, iam: IAMClient) -> None:
    """Tags of IAM's alphabet do not change on the way, and others are refused."""
    name, markup = unique("user"), [{"Key": "why", "Value": "</Value>"}]
    tags = [{"Key": "why", "Value": "Grüße = a+b:/@_- 5"}]
    iam.create_user(UserName=name, Tags=tags)  # type: ignore[arg-type] # a plain dict will do
    with pytest.raises(ClientError) as misspelt:
        unchecked(aws.session().client("iam")).tag_user(UserName=name, Tags=markup)
    assert refusal(misspelt) == "ValidationError"

    assert iam.get_user(UserName=name)["User"]["Tags"] == tags
    assert iam.list_user_tags(UserName=name)["Tags"] == tags
